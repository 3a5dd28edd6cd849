//! Watches over the life of a connection: what the deciding core says, done with h2's PINGs and the runtime's timers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::connect::{Liveness, LivenessSettings, Seen, Step};
use evenkeel_core::time::Time;
use h2::{Ping, PingPong};
use tokio::time::{Sleep, sleep_until};

use super::link::Link;
use crate::clock::Clock;

/// One connection's watch. Costs a look at a few counters each time bytes are moved, and a clock only when they have.
pub(super) struct Watch {
    liveness: Liveness,
    clock: Clock,
    now: Time,
    pings: Option<PingPong>,
    is_asking: bool,
    /// What the counters were at the last look.
    bytes: u64,
    messages: u64,
    headers_sent: u32,
    open: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the timer fires, unless it has.
    due: Option<Time>,
}

impl Watch {
    /// Begins when the server's SETTINGS have come; `clock` was started when the connection was.
    pub(super) fn new(settings: LivenessSettings, clock: Clock, pings: Option<PingPong>) -> Self {
        let now = clock.now();
        Self {
            liveness: Liveness::new(settings, now, now.since_origin()),
            clock,
            now,
            pings,
            is_asking: false,
            bytes: 0,
            messages: 0,
            headers_sent: 0,
            open: false,
            timer: None,
            due: None,
        }
    }

    /// Looks at what has happened. Everything that could be read must have been.
    pub(super) fn look(&mut self, link: &Link, cx: &mut Context<'_>) {
        if self.liveness.is_off() {
            return;
        }
        let facts = link.facts();
        let (bytes, messages, headers_sent) =
            (facts.bytes_read(), facts.messages_read(), facts.highest_headers_started());
        let seen = Seen {
            received: bytes != self.bytes,
            messages: messages != self.messages,
            acked: self.is_answered(cx),
            called: headers_sent != self.headers_sent,
            open: link.quota().in_use() > 0,
        };
        let is_due = self.due.is_some() && self.timer.as_ref().is_some_and(|timer| timer.is_elapsed());
        let is_news = seen != Seen { open: self.open, ..Seen::default() };
        if !is_due && !is_news {
            return;
        }
        if is_due {
            self.due = None;
        }
        (self.bytes, self.messages, self.headers_sent, self.open) =
            (bytes, messages, headers_sent, seen.open);
        self.now = self.clock.now();
        self.liveness.on_seen(self.now, seen);
    }

    /// What follows, but PINGs, which are sent. Ask until there is nothing more.
    pub(super) fn next_step(&mut self, cx: &mut Context<'_>) -> Option<Step> {
        loop {
            match self.liveness.next_step(self.now) {
                Some(Step::Ping) => self.ask(cx),
                None => {
                    self.set_timer(cx);
                    return None;
                }
                step => return step,
            }
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) {
        if let Some(pings) = &mut self.pings {
            // One that cannot be sent is not answered either, which is all that matters.
            self.is_asking = pings.send_ping(Ping::opaque()).is_ok();
            let _ = pings.poll_pong(cx);
        }
    }

    fn is_answered(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(pings) = self.pings.as_mut().filter(|_| self.is_asking) else { return false };
        let is_answered = matches!(pings.poll_pong(cx), Poll::Ready(Ok(_)));
        self.is_asking &= !is_answered;
        is_answered
    }

    /// Sooner than it has to be the timer may fire, and is set anew then: to move it with every byte would cost more.
    fn set_timer(&mut self, cx: &mut Context<'_>) {
        let Some(wanted) = self.liveness.next_wakeup() else { return };
        if self.due.is_some_and(|due| due <= wanted) {
            return;
        }
        let Some(instant) = self.clock.instant(wanted) else { return };
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.as_mut().reset(instant);
                timer
            }
            none => none.insert(Box::pin(sleep_until(instant))),
        };
        self.due = Some(wanted);
        if timer.as_mut().poll(cx).is_ready() {
            // It is late already: another turn will see to it.
            cx.waker().wake_by_ref();
        }
    }
}

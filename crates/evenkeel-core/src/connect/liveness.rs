//! Whether the server at the other end of a connection is still there (gRFC A8 and A18, and what goes beyond them).
//!
//! A process that hangs keeps its sockets: its kernel takes what is sent, and answers every probe of TCP's. Only HTTP/2
//! PINGs tell. Servers police those, so few are sent: when a call waits and nothing at all comes, and never more of them
//! than the strictest server known takes without a strike.

mod budget;

use std::time::Duration;

use crate::time::Time;
use budget::Budget;

/// A PING has this long to be answered, or four round trips if that is longer.
const PATIENCE: Duration = Duration::from_secs(1);
const ROUND_TRIPS: u32 = 4;
/// Nothing for so long after a PING: the connection has ended (as gRFC A8 has it by default).
const GIVE_UP: Duration = Duration::from_secs(20);
/// Who is woken so late was not running, and cannot say that nothing came meanwhile.
const LATE: Duration = Duration::from_millis(250);

/// How the end of a connection is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A call has waited so long, and nothing came: the server is asked by a PING. Zero: never.
    pub suspect_after: Duration,
    /// PINGs whether or not a call has to wait.
    pub keepalive: Option<Keepalive>,
}

/// HTTP/2 keepalive (gRFC A8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Nothing for so long: a PING.
    pub interval: Duration,
    /// Nothing for so long after it: the connection has ended.
    pub timeout: Duration,
    /// Also while no call runs.
    pub without_calls: bool,
}

/// What is known of a connection since the last look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Anything at all was received.
    pub received: bool,
    /// HEADERS or DATA were among it.
    pub messages: bool,
    /// The answer to our PING was.
    pub acked: bool,
    /// A call's HEADERS were sent.
    pub called: bool,
    /// A stream is open now.
    pub open: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send a PING.
    Ping,
    /// No new calls here while others can take them: the server may hang.
    Suspect,
    /// Something came: it does not.
    Trust,
    /// The connection is dead.
    End,
}

/// Watches one connection. Whoever drives it looks after it has read all that there is, and at
/// [`Liveness::next_wakeup`].
#[derive(Debug)]
pub struct Liveness {
    settings: Settings,
    heard: Time,
    /// The first call that was begun after the last byte came.
    unanswered: Option<Time>,
    open: bool,
    ping: Option<Ping>,
    is_suspect: bool,
    /// What was told last.
    told_suspect: bool,
    has_ended: bool,
    round_trip: Duration,
    budget: Budget,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    sent: Time,
    /// Its answer says nothing of the round trip.
    disturbed: bool,
    /// Something came since, though not its own answer.
    answered: bool,
    limit: Duration,
}

impl Liveness {
    /// `round_trip`: what the beginning of the connection took.
    pub fn new(settings: Settings, now: Time, round_trip: Duration) -> Self {
        Self {
            settings,
            heard: now,
            unanswered: None,
            open: false,
            ping: None,
            is_suspect: false,
            told_suspect: false,
            has_ended: false,
            round_trip,
            budget: Budget::default(),
        }
    }

    /// Whether there is anything to watch for.
    pub fn is_off(&self) -> bool {
        self.settings == Settings::default()
    }

    /// Takes note of what was seen. Everything that could be read must have been.
    pub fn on_seen(&mut self, now: Time, seen: Seen) {
        let was_due = self.next_wakeup();
        self.open = seen.open;
        if seen.received {
            self.on_received(now);
        }
        if seen.acked
            && let Some(ping) = self.ping.take()
        {
            self.budget.on_ack();
            if !ping.disturbed {
                self.on_round_trip(now.since(ping.sent));
            }
        }
        if seen.messages {
            self.budget.on_messages(self.ping.is_some());
        }
        if seen.called {
            self.budget.on_call();
        }
        if !seen.received && was_due.is_some_and(|due| now.since(due) > LATE) {
            self.begin_anew(now);
        }
        if self.open && self.unanswered.is_none() {
            self.unanswered = Some(now);
        }
    }

    /// The next thing to be done now, if there is any. Ask until there is none.
    pub fn next_step(&mut self, now: Time) -> Option<Step> {
        if self.has_ended {
            return None;
        }
        if self.told_suspect != self.is_suspect {
            self.told_suspect = self.is_suspect;
            return Some(if self.is_suspect { Step::Suspect } else { Step::Trust });
        }
        if self.given_up_at().is_some_and(|at| at <= now) {
            self.has_ended = true;
            return Some(Step::End);
        }
        if self.suspect_at().is_some_and(|at| at <= now) {
            self.is_suspect = true;
            if let Some(ping) = &mut self.ping {
                // What its answer takes says how long the server hung, and not how far away it is.
                ping.disturbed = true;
            }
            return self.next_step(now);
        }
        if self.ping_at().is_some_and(|at| at <= now) {
            if let Some(ping) = &mut self.ping {
                // Its answer is as good as that of another one would be.
                (ping.sent, ping.disturbed, ping.answered) = (now, true, false);
                return None;
            }
            self.budget.on_ping(now);
            let limit = self.settings.keepalive.map_or(GIVE_UP, |keepalive| keepalive.timeout);
            self.ping = Some(Ping { sent: now, disturbed: false, answered: false, limit });
            return Some(Step::Ping);
        }
        None
    }

    /// When to look again though nothing happens.
    pub fn next_wakeup(&self) -> Option<Time> {
        if self.has_ended {
            return None;
        }
        [self.given_up_at(), self.suspect_at(), self.ping_at()].into_iter().flatten().min()
    }

    fn on_received(&mut self, now: Time) {
        self.heard = now;
        self.unanswered = None;
        self.is_suspect = false;
        if let Some(ping) = &mut self.ping {
            ping.answered = true;
        }
    }

    /// Smoothed as TCP does (RFC 6298).
    fn on_round_trip(&mut self, sample: Duration) {
        self.round_trip = self.round_trip.saturating_mul(7).saturating_add(sample) / 8;
    }

    /// This process did not run: what it did not see counts for nothing.
    fn begin_anew(&mut self, now: Time) {
        self.heard = now;
        self.unanswered = None;
        if let Some(ping) = &mut self.ping {
            (ping.sent, ping.disturbed) = (now, true);
        }
    }

    fn waiting(&self) -> Option<&Ping> {
        self.ping.as_ref().filter(|ping| !ping.answered)
    }

    fn given_up_at(&self) -> Option<Time> {
        self.waiting().map(|ping| ping.sent + ping.limit)
    }

    fn suspect_at(&self) -> Option<Time> {
        if self.is_suspect || self.settings.suspect_after.is_zero() {
            return None;
        }
        let patience = PATIENCE.max(self.round_trip.saturating_mul(ROUND_TRIPS));
        self.waiting().map(|ping| ping.sent + patience)
    }

    fn ping_at(&self) -> Option<Time> {
        // Two on their way cannot be told apart.
        if self.waiting().is_some() {
            return None;
        }
        let asks = !self.settings.suspect_after.is_zero() && self.open;
        let unanswered = self.unanswered.filter(|_| asks);
        let wait = unanswered.map(|since| self.budget.not_before().max(since + self.settings.suspect_after));
        let keepalive = self.settings.keepalive.filter(|keepalive| self.open || keepalive.without_calls);
        let keepalive = keepalive.map(|keepalive| self.heard + keepalive.interval);
        [wait, keepalive].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;

//! How a server ends: NOT_SERVING, lame duck, GOAWAY to all, deadline.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::time::Time;

/// What it takes to end a call that is cut and to free what it held, rounded up: so much of the time for a drain is kept
/// for each call that is open. With hundreds of calls nobody notices it, with 100,000 it is most of a second, in which
/// Kubernetes' SIGKILL would come.
const CUT_PER_CALL: Duration = Duration::from_micros(8);
/// No more of a drain's time than this part is kept for that.
const MOST_FOR_CUT: u32 = 4;

/// What the server does next on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAction {
    /// Report NOT_SERVING to health checks; go on accepting.
    ReportNotServing,
    /// Stop accepting, and tell every connection to go away.
    DrainConnections,
    /// Close every connection now.
    CutConnections,
}

/// The state machine of a server's end. Feed it events, do the actions that come back, wake it at
/// [`ServerLife::next_wakeup`].
#[derive(Debug)]
pub struct ServerLife {
    lame_duck: Duration,
    drain_timeout: Duration,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// NOT_SERVING, but still accepting: whoever watches endpoints has time to see it.
    LameDuck {
        until: Time,
        drain_timeout: Duration,
    },
    Draining(Drain),
    Cutting,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drain {
    from: Time,
    /// Until all must be over.
    timeout: Duration,
    /// When the calls are counted next.
    look_at: Time,
}

impl Drain {
    fn new(now: Time, timeout: Duration) -> Self {
        Self { from: now, timeout, look_at: now + (timeout - timeout / MOST_FOR_CUT) }
    }

    fn until(&self) -> Time {
        self.from + self.timeout
    }

    /// Whether it is time to cut, with so many calls open.
    fn is_over(&mut self, now: Time, open_calls: usize) -> bool {
        let calls = u32::try_from(open_calls).unwrap_or(u32::MAX);
        let for_cut = CUT_PER_CALL.saturating_mul(calls).min(self.timeout / MOST_FOR_CUT);
        self.look_at = self.from + (self.timeout - for_cut);
        self.look_at <= now
    }
}

impl ServerLife {
    /// A server that serves. `lame_duck` is how long it goes on accepting after a drain was asked for;
    /// `drain_timeout` is how long calls may run on after that when a signal asks for the drain.
    pub const fn new(lame_duck: Duration, drain_timeout: Duration) -> Self {
        Self { lame_duck, drain_timeout, phase: Phase::Serving }
    }

    /// A signal came: the first one drains, the next one ends the server at once.
    #[must_use]
    pub fn on_signal(&mut self, now: Time) -> Vec<ServerAction> {
        match self.phase {
            Phase::Serving => self.on_drain_requested(now, self.drain_timeout),
            _ => self.on_stop_requested(),
        }
    }

    /// No connection can be accepted any more, ever: the server drains, unless it does already.
    #[must_use]
    pub fn on_listener_broken(&mut self, now: Time) -> Vec<ServerAction> {
        match self.phase {
            Phase::Serving => self.on_drain_requested(now, self.drain_timeout),
            _ => Vec::new(),
        }
    }

    /// The program asks for a drain. During one, a deadline that comes earlier than the one set takes its place.
    #[must_use]
    pub fn on_drain_requested(&mut self, now: Time, deadline: Duration) -> Vec<ServerAction> {
        match &mut self.phase {
            Phase::Serving => {
                let until = now + self.lame_duck;
                self.phase = Phase::LameDuck { until, drain_timeout: deadline };
                let mut actions = vec![ServerAction::ReportNotServing];
                actions.extend(self.start_drain_after_lame_duck(now));
                actions
            }
            Phase::LameDuck { drain_timeout, .. } => {
                *drain_timeout = deadline.min(*drain_timeout);
                Vec::new()
            }
            Phase::Draining(drain) => {
                if now + deadline < drain.until() {
                    *drain = Drain::new(now, deadline);
                }
                Vec::new()
            }
            Phase::Cutting | Phase::Ended => Vec::new(),
        }
    }

    /// The server is to end at once.
    #[must_use]
    pub fn on_stop_requested(&mut self) -> Vec<ServerAction> {
        let actions = match self.phase {
            Phase::Serving => vec![ServerAction::ReportNotServing, ServerAction::CutConnections],
            Phase::LameDuck { .. } | Phase::Draining(_) => vec![ServerAction::CutConnections],
            Phase::Cutting | Phase::Ended => return Vec::new(),
        };
        self.phase = Phase::Cutting;
        actions
    }

    /// The last connection is gone, and no more can come.
    pub fn on_connections_gone(&mut self) {
        if matches!(self.phase, Phase::Draining(_) | Phase::Cutting) {
            self.phase = Phase::Ended;
        }
    }

    /// Time has passed; may be called early or late. `open_calls`: how many run.
    #[must_use]
    pub fn on_wakeup(&mut self, now: Time, open_calls: usize) -> Vec<ServerAction> {
        if let Phase::Draining(drain) = &mut self.phase
            && drain.is_over(now, open_calls)
        {
            self.phase = Phase::Cutting;
            return vec![ServerAction::CutConnections];
        }
        self.start_drain_after_lame_duck(now)
    }

    fn start_drain_after_lame_duck(&mut self, now: Time) -> Vec<ServerAction> {
        match self.phase {
            Phase::LameDuck { until, drain_timeout } if until <= now => {
                self.phase = Phase::Draining(Drain::new(now, drain_timeout));
                vec![ServerAction::DrainConnections]
            }
            _ => Vec::new(),
        }
    }

    /// When [`ServerLife::on_wakeup`] has something to do, as things stand.
    pub fn next_wakeup(&self) -> Option<Time> {
        match self.phase {
            Phase::LameDuck { until, .. } => Some(until),
            Phase::Draining(drain) => Some(drain.look_at),
            Phase::Serving | Phase::Cutting | Phase::Ended => None,
        }
    }

    /// Whether all is over.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }
}

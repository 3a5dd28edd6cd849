//! How a server ends: NOT_SERVING, lame duck, GOAWAY to all, deadline.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::time::Time;

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
    Draining {
        until: Time,
    },
    Cutting,
    Ended,
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
                actions.extend(self.on_wakeup(now));
                actions
            }
            Phase::LameDuck { drain_timeout, .. } => {
                *drain_timeout = deadline.min(*drain_timeout);
                Vec::new()
            }
            Phase::Draining { until } => {
                *until = (now + deadline).min(*until);
                self.on_wakeup(now)
            }
            Phase::Cutting | Phase::Ended => Vec::new(),
        }
    }

    /// The server is to end at once.
    #[must_use]
    pub fn on_stop_requested(&mut self) -> Vec<ServerAction> {
        let actions = match self.phase {
            Phase::Serving => vec![ServerAction::ReportNotServing, ServerAction::CutConnections],
            Phase::LameDuck { .. } | Phase::Draining { .. } => vec![ServerAction::CutConnections],
            Phase::Cutting | Phase::Ended => return Vec::new(),
        };
        self.phase = Phase::Cutting;
        actions
    }

    /// The last connection is gone, and no more can come.
    pub fn on_connections_gone(&mut self) {
        if matches!(self.phase, Phase::Draining { .. } | Phase::Cutting) {
            self.phase = Phase::Ended;
        }
    }

    /// Time has passed; may be called early or late.
    #[must_use]
    pub fn on_wakeup(&mut self, now: Time) -> Vec<ServerAction> {
        match self.phase {
            Phase::LameDuck { until, drain_timeout } if until <= now => {
                self.phase = Phase::Draining { until: now + drain_timeout };
                vec![ServerAction::DrainConnections]
            }
            Phase::Draining { until } if until <= now => {
                self.phase = Phase::Cutting;
                vec![ServerAction::CutConnections]
            }
            _ => Vec::new(),
        }
    }

    /// When [`ServerLife::on_wakeup`] has something to do, as things stand.
    pub fn next_wakeup(&self) -> Option<Time> {
        match self.phase {
            Phase::LameDuck { until, .. } | Phase::Draining { until } => Some(until),
            Phase::Serving | Phase::Cutting | Phase::Ended => None,
        }
    }

    /// Whether new connections are taken.
    pub fn is_accepting(&self) -> bool {
        matches!(self.phase, Phase::Serving | Phase::LameDuck { .. })
    }

    /// Whether all is over.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }
}

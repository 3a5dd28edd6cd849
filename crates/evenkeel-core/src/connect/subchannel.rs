//! One subchannel's transition table.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::random::Random;
use crate::state::ConnectivityState;
use crate::time::Time;

/// A connection that ended sooner than this, without having been of use to any call, counts as a failed attempt.
///
/// A server that accepts and at once says GOAWAY (or closes) would otherwise be redialled in a hot loop, since
/// SETTINGS have reset the backoff. Well below the 0.9 s that a MAX_CONNECTION_AGE of 1 s may mean: an unused connection
/// that comes to its age has not failed.
const SHORT_LIFE: Duration = Duration::from_millis(500);

/// What a subchannel needs to know beside events.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// The delays between attempts.
    pub backoff: Backoff,
    /// How long one attempt may take at least, TLS and the server's SETTINGS included.
    pub connect_timeout: Duration,
}

/// One subchannel: what it is doing, and how often in a row it has failed.
#[derive(Clone, Debug)]
pub struct Subchannel {
    phase: Phase,
    failures: u32,
}

/// Something that happened to a subchannel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its policy wants a connection.
    ConnectRequested,
    /// The attempt succeeded: the server's SETTINGS have arrived.
    Connected,
    /// The attempt failed, or ran into its deadline.
    AttemptFailed,
    /// The connection takes no new streams: it was lost, or the server said GOAWAY.
    Retired {
        /// It was of use: a response began on it, or its server was at work on a call when it said GOAWAY.
        served: bool,
    },
    /// The connection is of no use now: its server may hang.
    Suspected {
        /// It was of use before: a response began on it.
        served: bool,
    },
    /// An older connection of its has turned out to be alive, and is in use again.
    Restored,
    /// The backoff's end has come.
    BackoffEnded,
    /// Nobody wants the subchannel any more.
    Shutdown,
}

/// A change of a subchannel's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state it left.
    pub from: ConnectivityState,
    /// The state it entered.
    pub to: ConnectivityState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// `retry_at` is the earliest start of the next attempt should this one fail: counted from this one's start.
    Connecting {
        since: Time,
        deadline: Time,
        retry_at: Time,
    },
    Ready {
        since: Time,
        retry_at: Time,
    },
    TransientFailure {
        until: Time,
    },
    Shutdown,
}

impl Default for Subchannel {
    fn default() -> Self {
        Self::new()
    }
}

impl Subchannel {
    /// A subchannel that nobody has asked to connect yet.
    pub const fn new() -> Self {
        Self { phase: Phase::Idle, failures: 0 }
    }

    /// The connectivity state.
    pub const fn state(&self) -> ConnectivityState {
        match self.phase {
            Phase::Idle => ConnectivityState::Idle,
            Phase::Connecting { .. } => ConnectivityState::Connecting,
            Phase::Ready { .. } => ConnectivityState::Ready,
            Phase::TransientFailure { .. } => ConnectivityState::TransientFailure,
            Phase::Shutdown => ConnectivityState::Shutdown,
        }
    }

    /// When the running attempt must be given up; `None` when none is running.
    pub const fn attempt_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Connecting { deadline, .. } => Some(deadline),
            _ => None,
        }
    }

    /// When [`Event::BackoffEnded`] is due; `None` outside TRANSIENT_FAILURE.
    pub const fn next_wakeup(&self) -> Option<Time> {
        match self.phase {
            Phase::TransientFailure { until } => Some(until),
            _ => None,
        }
    }

    /// The attempt that was asked for begins only now: its times count from here.
    pub fn on_attempt_started(&mut self, now: Time) {
        if let Phase::Connecting { since, deadline, retry_at } = &mut self.phase {
            let waited = now.since(*since);
            (*since, *deadline, *retry_at) = (now, *deadline + waited, *retry_at + waited);
        }
    }

    /// Takes an event; returns the change of state, if it made one.
    ///
    /// An event that means nothing in the current state is ignored: requests to connect outside IDLE, results of an
    /// attempt that was given up, timers that were overtaken.
    pub fn on_event(
        &mut self,
        event: Event,
        now: Time,
        settings: &Settings,
        random: &mut dyn Random,
    ) -> Option<Transition> {
        let from = self.state();
        self.phase = match (self.phase, event) {
            (Phase::Shutdown, _) | (_, Event::Shutdown) => Phase::Shutdown,
            (Phase::Idle, Event::ConnectRequested) => {
                let retry_at = now + settings.backoff.delay(self.failures, random);
                Phase::Connecting {
                    since: now,
                    deadline: retry_at.max(now + settings.connect_timeout),
                    retry_at,
                }
            }
            (Phase::Connecting { retry_at, .. }, Event::Connected) => Phase::Ready { since: now, retry_at },
            (Phase::Connecting { retry_at, .. }, Event::AttemptFailed) => self.fail(retry_at),
            (Phase::Ready { since, retry_at }, Event::Retired { served }) => {
                if served || now.since(since) >= SHORT_LIFE {
                    self.failures = 0;
                    Phase::Idle
                } else {
                    self.fail(retry_at)
                }
            }
            (Phase::Ready { .. }, Event::Suspected { served: true }) => {
                self.failures = 0;
                Phase::Idle
            }
            // A server that says SETTINGS and nothing else would otherwise get one connection after another.
            (Phase::Ready { retry_at, .. }, Event::Suspected { served: false }) => self.fail(retry_at),
            (phase @ Phase::Ready { .. }, Event::Restored) => phase,
            (_, Event::Restored) => {
                self.failures = 0;
                Phase::Ready { since: now, retry_at: now }
            }
            (Phase::TransientFailure { until }, Event::BackoffEnded) if now >= until => Phase::Idle,
            (phase, _) => phase,
        };
        let to = self.state();
        (from != to).then_some(Transition { from, to })
    }

    fn fail(&mut self, retry_at: Time) -> Phase {
        self.failures = self.failures.saturating_add(1);
        Phase::TransientFailure { until: retry_at }
    }
}

#[cfg(test)]
mod tests;

//! One server connection's life: age, idleness, the two-step GOAWAY, grace (gRFC A9, grpc-go).

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::random::{self, Random};
use crate::time::Time;

/// How far the age of one connection may lie from the setting: ±10 %, so that connections made together do not
/// all end together (gRFC A9).
const AGE_SPREAD: f64 = 0.1;

/// The settings that decide how long a connection lives. `None` is "for ever".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How old a connection gets before it is told to go away.
    pub max_age: Option<Duration>,
    /// How long calls may go on after that; counted from the first GOAWAY.
    pub max_age_grace: Option<Duration>,
    /// How long a connection may be without a call, since its start or its last call's end.
    pub max_idle: Option<Duration>,
    /// How long to wait for the ACK of the PING behind the first GOAWAY.
    pub ack_wait: Duration,
}

/// Why a connection is told to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrainReason {
    /// It reached its age.
    MaxAge,
    /// It had no call for too long.
    MaxIdle,
    /// The server is draining.
    GracefulStop,
}

/// Why a connection is closed under its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CutReason {
    /// Calls were still running when the grace after the age was over.
    GraceExpired,
    /// The peer stopped in the middle of a frame, so that not even the second GOAWAY could be sent; no call was running.
    Stalled,
}

/// What to do to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionAction {
    /// Send GOAWAY(2^31-1) with the reason as debug data, then a PING.
    SendFirstGoAway(DrainReason),
    /// Go on as if the PING had been ACKed: send GOAWAY with the last stream's id, close after the last stream.
    HandInAck,
    /// Close now.
    CutNow(CutReason),
}

/// The state machine of one connection. Feed it events, do the action that comes back, wake it at
/// [`ConnectionLife::next_wakeup`].
#[derive(Debug)]
pub struct ConnectionLife {
    limits: ConnectionLimits,
    age_ends: Option<Time>,
    streams: usize,
    idle_since: Time,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// New streams are welcome.
    Serving,
    /// The first GOAWAY is sent; streams that crossed it on the way are still accepted.
    AwaitingAck { reason: DrainReason, since: Time },
    /// The ACK was handed in at `at`, since the peer did not send it; the second GOAWAY is not out yet.
    AckHandedIn { reason: DrainReason, since: Time, at: Time },
    /// The second GOAWAY is sent: the connection closes when its last stream ends.
    Closing { reason: DrainReason, since: Time },
    /// Nothing more to decide.
    Closed,
}

impl DrainReason {
    /// The debug data of the GOAWAY frames, as grpc-go writes them.
    pub const fn debug_text(self) -> &'static str {
        match self {
            Self::MaxAge => "max_age",
            Self::MaxIdle => "max_idle",
            Self::GracefulStop => "graceful_stop",
        }
    }
}

impl ConnectionLife {
    /// A connection whose HTTP/2 handshake is done. Its age is drawn here, once.
    pub fn new(now: Time, limits: ConnectionLimits, random: &mut dyn Random) -> Self {
        Self {
            limits,
            age_ends: limits.max_age.map(|age| now + random::jittered(random, age, AGE_SPREAD)),
            streams: 0,
            idle_since: now,
            phase: Phase::Serving,
        }
    }

    /// A call came in.
    pub fn on_stream_opened(&mut self) {
        self.streams += 1;
    }

    /// A call ended, in whatever way.
    pub fn on_stream_closed(&mut self, now: Time) {
        self.streams = self.streams.saturating_sub(1);
        if self.streams == 0 {
            self.idle_since = now;
        }
    }

    /// The server is draining.
    #[must_use]
    pub fn on_drain_requested(&mut self, now: Time) -> Option<ConnectionAction> {
        self.drain(now, DrainReason::GracefulStop)
    }

    /// The second GOAWAY left: the PING was ACKed, by the peer or by us.
    pub fn on_second_goaway_sent(&mut self) {
        if let Phase::AwaitingAck { reason, since } | Phase::AckHandedIn { reason, since, .. } = self.phase {
            self.phase = Phase::Closing { reason, since };
        }
    }

    /// Time has passed; may be called early or late.
    #[must_use]
    pub fn on_wakeup(&mut self, now: Time) -> Option<ConnectionAction> {
        if self.grace_ends().is_some_and(|at| at <= now) {
            return self.cut(CutReason::GraceExpired);
        }
        match self.phase {
            Phase::Serving if self.age_ends.is_some_and(|at| at <= now) => {
                self.drain(now, DrainReason::MaxAge)
            }
            Phase::Serving if self.idle_ends().is_some_and(|at| at <= now) => {
                self.drain(now, DrainReason::MaxIdle)
            }
            Phase::AwaitingAck { reason, since } if since + self.limits.ack_wait <= now => {
                self.phase = Phase::AckHandedIn { reason, since, at: now };
                Some(ConnectionAction::HandInAck)
            }
            Phase::AckHandedIn { .. } if self.stall_ends().is_some_and(|at| at <= now) => {
                self.cut(CutReason::Stalled)
            }
            _ => None,
        }
    }

    /// When [`ConnectionLife::on_wakeup`] has something to do, as things stand.
    pub fn next_wakeup(&self) -> Option<Time> {
        let phase_ends = match self.phase {
            Phase::Serving => [self.age_ends, self.idle_ends()].into_iter().flatten().min(),
            Phase::AwaitingAck { since, .. } => Some(since + self.limits.ack_wait),
            Phase::AckHandedIn { .. } => self.stall_ends(),
            Phase::Closing { .. } | Phase::Closed => None,
        };
        [phase_ends, self.grace_ends()].into_iter().flatten().min()
    }

    fn drain(&mut self, now: Time, reason: DrainReason) -> Option<ConnectionAction> {
        if self.phase != Phase::Serving {
            return None;
        }
        self.phase = Phase::AwaitingAck { reason, since: now };
        Some(ConnectionAction::SendFirstGoAway(reason))
    }

    fn cut(&mut self, reason: CutReason) -> Option<ConnectionAction> {
        self.phase = Phase::Closed;
        Some(ConnectionAction::CutNow(reason))
    }

    fn idle_ends(&self) -> Option<Time> {
        let limit = self.limits.max_idle.filter(|_| self.streams == 0)?;
        Some(self.idle_since + limit)
    }

    /// Grace belongs to age alone; a server's drain has its own deadline for all connections together.
    fn grace_ends(&self) -> Option<Time> {
        match self.phase {
            Phase::AwaitingAck { reason: DrainReason::MaxAge, since }
            | Phase::AckHandedIn { reason: DrainReason::MaxAge, since, .. }
            | Phase::Closing { reason: DrainReason::MaxAge, since } => {
                self.limits.max_age_grace.map(|grace| since + grace)
            }
            _ => None,
        }
    }

    /// An ACK is handed in between two frames; a peer that never finishes a frame would keep the connection for ever.
    fn stall_ends(&self) -> Option<Time> {
        match self.phase {
            Phase::AckHandedIn { at, .. } if self.streams == 0 => {
                Some(at.max(self.idle_since) + self.limits.ack_wait)
            }
            _ => None,
        }
    }
}

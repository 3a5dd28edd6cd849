//! What a program can say about one call or one channel, and what it is told back.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::endpoint::Address;
use tonic::Status;

/// Options of one call, put into the request's extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    pub(crate) wait_for_ready: Option<bool>,
}

impl CallOptions {
    /// No option set: the channel's own settings hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the call waits for a READY endpoint instead of failing while none can be reached.
    ///
    /// Default: the channel's setting, itself off (gRPC wait-for-ready).
    #[must_use]
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = Some(wait);
        self
    }
}

/// Who answered a call: in the extensions of every response that came from a server. Of a call that failed without an
/// answer, [`Peer::of_failure`] says on whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub(crate) address: Arc<Address>,
}

/// How a status carries the peer that it is about: as its source.
#[derive(Debug)]
struct FailedOn(Peer);

impl Peer {
    /// The peer that a call was on when it failed without an answer: its connection was lost, it reset the stream, or the
    /// deadline passed. `None` when the call had no connection, and for a status that the server itself sent.
    pub fn of_failure(status: &Status) -> Option<&Self> {
        status.source()?.downcast_ref::<FailedOn>().map(|FailedOn(peer)| peer)
    }

    /// The status, with the peer that it is about.
    pub(crate) fn blame(address: &Arc<Address>, mut status: Status) -> Status {
        status.set_source(Arc::new(FailedOn(Self { address: Arc::clone(address) })));
        status
    }

    /// The address of the connection that carried the call.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl fmt::Display for FailedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call was on {}", self.0.address)
    }
}

impl Error for FailedOn {}

/// One connection of a channel, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    pub(crate) address: Arc<Address>,
    pub(crate) calls_in_flight: usize,
}

impl ConnectionInfo {
    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The calls on it that have not ended. Calls that wait for room on it are not among them.
    pub fn calls_in_flight(&self) -> usize {
        self.calls_in_flight
    }
}

/// When a polling resolver (`dns:`) looks its name up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// When the answer's TTL ends (held to 1–30 s, plus up to 15 %), and on connection trouble. The default.
    Ttl,
    /// Only on connection trouble, no sooner than `floor` after the lookup before (grpc-go: 30 s).
    Disconnect {
        /// The least time between two lookups.
        floor: Duration,
    },
    /// At this interval (plus up to 15 %), and on connection trouble.
    Every(Duration),
}

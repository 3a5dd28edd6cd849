//! Who answered a call, or failed to.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use evenkeel_core::endpoint::Address;
use tonic::Status;

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

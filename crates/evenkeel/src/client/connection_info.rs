//! What can be asked of a channel's connections.

use std::sync::Arc;

use evenkeel_core::endpoint::Address;

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

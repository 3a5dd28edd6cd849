//! Connectivity states that change.

use super::connection::SubchannelKey;
use crate::cause::Cause;
use crate::endpoint::Address;
use crate::state::ConnectivityState;

/// The channel went from one connectivity state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStateChanged {
    /// The state it left.
    pub from: ConnectivityState,
    /// The state it entered.
    pub to: ConnectivityState,
}

/// A subchannel went from one connectivity state to another. It begins by leaving IDLE, and ends by entering SHUTDOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubchannelStateChanged {
    /// Which subchannel.
    pub subchannel: SubchannelKey,
    /// Where the subchannel connects to: one address of one endpoint.
    pub address: Address,
    /// The state it left.
    pub from: ConnectivityState,
    /// The state it entered.
    pub to: ConnectivityState,
    /// Why, when it failed or was lost.
    pub cause: Option<Cause>,
}

impl ChannelStateChanged {
    /// This change.
    pub fn new(from: ConnectivityState, to: ConnectivityState) -> Self {
        Self { from, to }
    }
}

impl SubchannelStateChanged {
    /// This change, for no cause.
    pub fn new(
        subchannel: SubchannelKey,
        address: impl Into<Address>,
        from: ConnectivityState,
        to: ConnectivityState,
    ) -> Self {
        Self { subchannel, address: address.into(), from, to, cause: None }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, cause: impl Into<Option<Cause>>) -> Self {
        Self { cause: cause.into(), ..self }
    }
}

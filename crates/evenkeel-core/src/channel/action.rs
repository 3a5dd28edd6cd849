//! What a channel has done for it, and what it must know beside events.

use std::time::Duration;

use crate::balance::SubchannelId;
use crate::cause::Cause;
use crate::connect;
use crate::endpoint::Address;
use crate::resolve::Urgency;
use crate::state::ConnectivityState;
use crate::time::Time;

/// One attempt to connect and the connection it led to, never given out twice in a channel's life.
///
/// A result that arrives for an attempt that is no longer the subchannel's current one is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(pub u64);

/// Something to do for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start connecting to `address`, and give up at `deadline`.
    Connect {
        /// The subchannel.
        id: SubchannelId,
        /// The name of this attempt.
        attempt: AttemptId,
        /// Where to.
        address: Address,
        /// When the attempt has failed if it has not succeeded.
        deadline: Time,
    },
    /// Stop this attempt, or let the connection it led to end with its last call.
    Release {
        /// The subchannel.
        id: SubchannelId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Take no new calls to this attempt's connection, and keep it: its calls go on, and it may come back.
    SetAside {
        /// The subchannel.
        id: SubchannelId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Use this attempt's connection again, which was set aside.
    TakeBack {
        /// The subchannel.
        id: SubchannelId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Ask the resolver for a fresh answer.
    Resolve(Urgency),
    /// Tell observers about a subchannel.
    Report {
        /// Which one.
        id: SubchannelId,
        /// Where it connects to.
        address: Address,
        /// The change.
        from: ConnectivityState,
        /// The change.
        to: ConnectivityState,
        /// Why, when it failed or was lost.
        cause: Option<Cause>,
    },
}

/// What a channel needs to know beside events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// For each subchannel.
    pub subchannel: connect::Settings,
    /// How long one attempt to connect may take before the next address is tried beside it; held to 100 ms to 2 s.
    pub connection_attempt_delay: Duration,
    /// How long calls wait for other endpoints when the last READY one is lost; zero: they fail as soon as there is none.
    pub grace_after_loss: Duration,
    /// How many attempts to connect run at once; those over it wait for their turn. At least one does.
    pub max_connection_attempts: usize,
}

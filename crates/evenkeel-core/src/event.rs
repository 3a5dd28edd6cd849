//! What can happen in a channel, as a vocabulary: one name and one struct for each, for who tells and for who listens.

mod connection;
mod dns;
mod resolution;
mod state;

pub use connection::{ConnectionKey, ConnectionRef, Disconnected, GoAway, SubchannelKey, Suspected};
pub use dns::{DnsAnswer, DnsQuery, DnsTransport};
pub use resolution::{RefreshRequested, ResolutionFailed, Resolved, UpdateRejected};
pub use state::{ChannelStateChanged, SubchannelStateChanged};

/// Something that happened in a channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The channel's connectivity state changed.
    ChannelState(ChannelStateChanged),
    /// A subchannel's connectivity state changed.
    SubchannelState(SubchannelStateChanged),
    /// A connection was made: the server's SETTINGS have come.
    Connected(ConnectionRef),
    /// A connection takes no new calls any more.
    Disconnected(Disconnected),
    /// A connection that takes no new calls has come to its end, with the last of its calls or before.
    ConnectionClosed(ConnectionRef),
    /// The server of a connection may hang.
    Suspected(Suspected),
    /// A suspect has proven to be alive.
    Trusted(ConnectionRef),
    /// A server asked the channel to go away from one of its connections.
    GoAway(GoAway),
    /// The `dns:` resolver asked a server.
    DnsQuery(DnsQuery),
    /// The resolver was asked for a fresh answer.
    RefreshRequested(RefreshRequested),
    /// The resolver found the backends.
    Resolved(Resolved),
    /// The resolver found nothing, or could not ask.
    ResolutionFailed(ResolutionFailed),
    /// The load-balancing policy cannot go by what the resolver found, which [`Event::Resolved`] has just told.
    UpdateRejected(UpdateRejected),
}

//! What happens to subchannels' connections, each under a name of its own.

use std::fmt;
use std::sync::Arc;

use crate::cause::Cause;
use crate::endpoint::Address;

/// The name of a subchannel: one address of one endpoint, for as long as a policy wants it. No other subchannel of this
/// process has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubchannelKey(u64);

/// The name of a connection. No other connection that channels of this process make has it, and none that its servers
/// accept: the two are counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey(u64);

/// A connection: which, whose, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionRef {
    /// Its name.
    pub connection: ConnectionKey,
    /// Whose connection it is.
    pub subchannel: SubchannelKey,
    /// The peer.
    pub address: Arc<Address>,
}

/// A connection takes no new calls any more: it was lost, its server said GOAWAY, or nobody wants it. The first reason
/// holds; its calls may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// Which connection.
    pub connection: ConnectionRef,
    /// Why.
    pub cause: Cause,
}

/// The server of a connection may hang: new calls go elsewhere, if there is anybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suspected {
    /// Which connection.
    pub connection: ConnectionRef,
    /// Why.
    pub cause: Cause,
}

/// A server asked the channel to go away from one of its connections (HTTP/2 GOAWAY).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GoAway {
    /// Which connection.
    pub connection: ConnectionRef,
    /// The frame's error code.
    pub code: u32,
    /// The frame's debug data as text, for example `max_age`.
    pub debug: Arc<str>,
}

impl SubchannelKey {
    /// The key of this number: a channel counts its process' subchannels from 1.
    pub const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

impl ConnectionKey {
    /// The key of this number: channels count their process' connections from 1, and so do servers.
    pub const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

impl ConnectionRef {
    /// This connection.
    pub fn new(
        connection: ConnectionKey,
        subchannel: SubchannelKey,
        address: impl Into<Arc<Address>>,
    ) -> Self {
        Self { connection, subchannel, address: address.into() }
    }
}

impl Disconnected {
    /// This connection, for this reason.
    pub fn new(connection: ConnectionRef, cause: Cause) -> Self {
        Self { connection, cause }
    }
}

impl Suspected {
    /// This connection, for this reason.
    pub fn new(connection: ConnectionRef, cause: Cause) -> Self {
        Self { connection, cause }
    }
}

impl GoAway {
    /// On this connection, with this error code and these debug data.
    pub fn new(connection: ConnectionRef, code: u32, debug: impl Into<Arc<str>>) -> Self {
        Self { connection, code, debug: debug.into() }
    }
}

impl fmt::Display for SubchannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! What happens to subchannels' connections, each under a name of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use evenkeel_core::cause::{Cause, CauseKind};
use evenkeel_core::endpoint::Address;

use super::{Event, Observers};

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

/// A connection, as who tells of it knows it.
#[derive(Debug)]
pub(crate) struct ConnectionLife {
    name: ConnectionRef,
    is_disconnected: AtomicBool,
}

static SUBCHANNELS: AtomicU64 = AtomicU64::new(1);
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl SubchannelKey {
    pub(crate) fn next() -> Self {
        Self(SUBCHANNELS.fetch_add(1, Ordering::Relaxed))
    }
}

impl ConnectionKey {
    pub(crate) const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

impl ConnectionLife {
    /// A connection of this subchannel was made.
    pub(crate) fn begin(
        subchannel: SubchannelKey,
        address: Arc<Address>,
        observers: &Observers,
    ) -> Arc<Self> {
        let connection = ConnectionKey(CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        let name = ConnectionRef { connection, subchannel, address };
        observers.tell(&Event::Connected(name.clone()));
        Arc::new(Self { name, is_disconnected: AtomicBool::new(false) })
    }

    pub(crate) fn name(&self) -> &ConnectionRef {
        &self.name
    }

    /// It takes no new calls. Told once.
    pub(crate) fn disconnect(&self, cause: Cause, observers: &Observers) {
        if !self.is_disconnected.swap(true, Ordering::AcqRel) {
            observers.tell(&Event::Disconnected(Disconnected { connection: self.name.clone(), cause }));
        }
    }

    /// It is closed.
    pub(crate) fn end(&self, observers: &Observers) {
        self.disconnect(Cause::new(CauseKind::Shutdown, "the channel has ended"), observers);
        observers.tell(&Event::ConnectionClosed(self.name.clone()));
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

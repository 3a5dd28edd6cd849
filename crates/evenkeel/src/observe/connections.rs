//! Subchannels and connections are given names, and what becomes of a connection is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use evenkeel_core::cause::{Cause, CauseKind};
use evenkeel_core::endpoint::Address;
use evenkeel_core::event::{ConnectionKey, ConnectionRef, Disconnected, Event, SubchannelKey};

use super::Observers;

/// A connection, as who tells of it knows it.
#[derive(Debug)]
pub(crate) struct ConnectionLife {
    name: ConnectionRef,
    is_disconnected: AtomicBool,
}

static SUBCHANNELS: AtomicU64 = AtomicU64::new(1);
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// The name of another subchannel of this process.
pub(crate) fn next_subchannel() -> SubchannelKey {
    SubchannelKey::numbered(SUBCHANNELS.fetch_add(1, Ordering::Relaxed))
}

impl ConnectionLife {
    /// A connection of this subchannel was made.
    pub(crate) fn begin(
        subchannel: SubchannelKey,
        address: Arc<Address>,
        observers: &Observers,
    ) -> Arc<Self> {
        let connection = ConnectionKey::numbered(CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        let name = ConnectionRef::new(connection, subchannel, address);
        observers.tell(&Event::Connected(name.clone()));
        Arc::new(Self { name, is_disconnected: AtomicBool::new(false) })
    }

    pub(crate) fn name(&self) -> &ConnectionRef {
        &self.name
    }

    /// It takes no new calls. Told once.
    pub(crate) fn disconnect(&self, cause: Cause, observers: &Observers) {
        if !self.is_disconnected.swap(true, Ordering::AcqRel) {
            observers.tell(&Event::Disconnected(Disconnected::new(self.name.clone(), cause)));
        }
    }

    /// It is closed.
    pub(crate) fn end(&self, observers: &Observers) {
        self.disconnect(Cause::new(CauseKind::Shutdown, "the channel has ended"), observers);
        observers.tell(&Event::ConnectionClosed(self.name.clone()));
    }
}

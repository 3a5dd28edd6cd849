//! What happens to a server's connections, each under a name of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_core::event::ConnectionKey;
use evenkeel_core::serve::DrainReason;

use super::{ServerEvent, ServerObservers};

/// A connection that a server accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedConnection {
    /// Its name.
    pub connection: ConnectionKey,
    /// The client, if it came over TCP.
    pub peer: Option<SocketAddr>,
}

/// A connection that was told to go away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionToldToGo {
    /// Which one.
    pub connection: AcceptedConnection,
    /// Why: the debug data of the GOAWAY.
    pub reason: DrainReason,
    /// The calls that run on it.
    pub calls: usize,
}

/// A connection that has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedConnection {
    /// Which one.
    pub connection: AcceptedConnection,
    /// Why, as a kind.
    pub reason: CloseReason,
    /// Why, in words, where there is more to say.
    pub cause: Option<Arc<str>>,
    /// Calls that ran on it, and were cut.
    pub calls_cut: usize,
}

/// Why a server's connection has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed it, in order.
    Client,
    /// Its last call has ended, after it was told to go away.
    Drained,
    /// It broke: the client is gone, or does not keep to HTTP/2.
    Lost,
    /// The server has as many connections as it may.
    Refused,
    /// TLS or HTTP/2 did not begin, or not in time.
    Handshake,
    /// The client did something too often.
    Flooded,
    /// Calls were still running when the grace after its age was over.
    GraceExpired,
    /// The client stopped in the middle of a frame, so that it could not even be told to go away in order.
    Stalled,
    /// The server ended it: its drain's deadline was over, or it was stopped.
    Cut,
}

impl AcceptedConnection {
    /// This connection, of this client.
    pub fn new(connection: ConnectionKey, peer: impl Into<Option<SocketAddr>>) -> Self {
        Self { connection, peer: peer.into() }
    }
}

impl ConnectionToldToGo {
    /// This connection, on which so many calls run, for this reason.
    pub fn new(connection: AcceptedConnection, reason: DrainReason, calls: usize) -> Self {
        Self { connection, reason, calls }
    }
}

impl ClosedConnection {
    /// This connection, for this reason, with no more to say, and no call cut.
    pub fn new(connection: AcceptedConnection, reason: CloseReason) -> Self {
        Self { connection, reason, cause: None, calls_cut: 0 }
    }

    /// The same, and why in words.
    #[must_use]
    pub fn because(self, cause: impl Into<Option<Arc<str>>>) -> Self {
        Self { cause: cause.into(), ..self }
    }

    /// The same, and so many calls were cut with it.
    #[must_use]
    pub fn cutting(self, calls: usize) -> Self {
        Self { calls_cut: calls, ..self }
    }
}

/// A connection, as who tells of it knows it. Its end is told when it is dropped.
#[derive(Debug)]
pub(crate) struct ServerConnectionLife {
    name: AcceptedConnection,
    observers: Arc<ServerObservers>,
    is_told_to_go: bool,
    end: Option<(CloseReason, Option<Arc<str>>)>,
    calls_cut: usize,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl ServerConnectionLife {
    pub(crate) fn begin(peer: Option<SocketAddr>, observers: Arc<ServerObservers>) -> Self {
        let connection = ConnectionKey::numbered(CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        let name = AcceptedConnection::new(connection, peer);
        observers.tell(&ServerEvent::Accepted(name.clone()));
        Self { name, observers, is_told_to_go: false, end: None, calls_cut: 0 }
    }

    pub(crate) fn open(&self) {
        self.observers.tell(&ServerEvent::Opened(self.name.clone()));
    }

    pub(crate) fn told_to_go(&mut self, reason: DrainReason, calls: usize) {
        self.is_told_to_go = true;
        let connection = self.name.clone();
        self.observers.tell(&ServerEvent::GoAwaySent(ConnectionToldToGo { connection, reason, calls }));
    }

    /// Why it ends. The first reason holds.
    pub(crate) fn ends(&mut self, reason: CloseReason, cause: Option<Arc<str>>) {
        self.end.get_or_insert((reason, cause));
    }

    /// It ends because nothing more comes from its client.
    pub(crate) fn ends_in_order(&mut self) {
        self.ends(if self.is_told_to_go { CloseReason::Drained } else { CloseReason::Client }, None);
    }

    /// So many calls are cut with it.
    pub(crate) fn cuts(&mut self, calls: usize) {
        self.calls_cut = calls;
    }
}

impl Drop for ServerConnectionLife {
    fn drop(&mut self) {
        // Without a word its task was dropped, and the server with it.
        let (reason, cause) = self.end.take().unwrap_or((CloseReason::Cut, None));
        let closed = ClosedConnection::new(self.name.clone(), reason).because(cause).cutting(self.calls_cut);
        self.observers.tell(&ServerEvent::Closed(closed));
    }
}

impl fmt::Display for AcceptedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "{} from {peer}", self.connection),
            None => self.connection.fmt(f),
        }
    }
}

//! What happened in a server, told to whoever wants to know.

mod connection;
mod log;

pub(crate) use connection::ServerConnectionLife;
pub use connection::{AcceptedConnection, CloseReason, ClosedConnection, ConnectionToldToGo};
pub(crate) use log::ServerLog;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::survive;
use crate::server::DrainReport;

/// Something that happened in a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A connection was accepted. Its TLS and HTTP/2 are yet to begin, if they ever do.
    Accepted(AcceptedConnection),
    /// A connection's client has begun to speak HTTP/2: calls may come.
    Opened(AcceptedConnection),
    /// A connection was told to go away (the first GOAWAY).
    GoAwaySent(ConnectionToldToGo),
    /// A connection has come to its end. Told once of each that was accepted.
    Closed(ClosedConnection),
    /// Connections cannot be accepted for the moment.
    AcceptFailed(AcceptFailed),
    /// The server's own end goes a step further.
    Shutdown(ShutdownStep),
    /// The server has ended: nothing is told after this.
    Ended(DrainReport),
}

/// Connections cannot be accepted: mostly for want of file descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptFailed {
    /// What the system says.
    pub error: Arc<str>,
    /// When it is tried again.
    pub pause: Duration,
}

impl AcceptFailed {
    /// For this reason; it is tried again after `pause`.
    pub fn new(error: impl Into<Arc<str>>, pause: Duration) -> Self {
        Self { error: error.into(), pause }
    }
}

/// A step of a server's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownStep {
    /// Its health is NOT_SERVING; it still accepts.
    NotServing,
    /// It accepts nothing more, and tells every connection to go away.
    Draining,
    /// What is left is cut.
    Cutting,
}

/// A subscriber to a server's events. Called from the server's own tasks, several at a time: it must not block. A panic
/// is logged, and goes no further.
pub trait ServerObserver: fmt::Debug + Send + Sync + 'static {
    /// Takes note of one event.
    fn on_event(&self, event: &ServerEvent);
}

/// All who want to know about a server: `tracing`, and whom the program added.
#[derive(Clone, Debug)]
pub(crate) struct ServerObservers(Vec<Arc<dyn ServerObserver>>);

impl Default for ServerObservers {
    fn default() -> Self {
        Self(vec![Arc::new(ServerLog)])
    }
}

impl ServerObservers {
    pub(crate) fn add(&mut self, observer: Arc<dyn ServerObserver>) {
        self.0.push(observer);
    }

    pub(crate) fn tell(&self, event: &ServerEvent) {
        for observer in &self.0 {
            survive(event, "an observer panicked; the server goes on", || observer.on_event(event));
        }
    }
}

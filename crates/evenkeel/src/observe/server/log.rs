//! A server's events as `tracing` events.

use super::{AcceptFailed, ClosedConnection, ConnectionToldToGo, ServerEvent, ServerObserver};

/// Writes a server's events to `tracing`.
#[derive(Debug)]
pub(crate) struct ServerLog;

impl ServerObserver for ServerLog {
    fn on_event(&self, event: &ServerEvent) {
        match event {
            ServerEvent::Accepted(connection) => tracing::debug!(%connection, "accepted"),
            ServerEvent::Opened(connection) => tracing::debug!(%connection, "a client speaks HTTP/2"),
            ServerEvent::GoAwaySent(ConnectionToldToGo { connection, reason, calls }) => {
                let reason = reason.debug_text();
                tracing::debug!(%connection, reason, calls, "telling a connection to go away");
            }
            ServerEvent::Closed(ClosedConnection { connection, reason, cause, calls_cut }) => {
                let cause = cause.as_deref();
                tracing::debug!(%connection, ?reason, cause, calls_cut, "connection closed");
            }
            ServerEvent::AcceptFailed(AcceptFailed { error, pause }) => {
                tracing::warn!(error = &**error, ?pause, "cannot accept a connection; trying again");
            }
            ServerEvent::Shutdown(step) => tracing::debug!(?step, "ending"),
            ServerEvent::Ended(report) => tracing::info!(?report, "server ended"),
        }
    }
}

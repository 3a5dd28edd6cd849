//! A place on a connection for one call.

use std::sync::Arc;

use super::connection::Connection;
use super::quota::Closed;

/// A place on a connection for one call, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connection: Arc<Connection>,
}

impl Place {
    /// Takes a place, or none if that means waiting.
    pub(crate) fn try_on(connection: &Arc<Connection>) -> Option<Self> {
        connection.link().quota().try_acquire().then(|| Self { connection: Arc::clone(connection) })
    }

    /// Waits for a place among the streams that the peer allows. Cancel-safe.
    ///
    /// # Errors
    /// When the connection takes no more calls: the call was not sent and belongs elsewhere.
    pub(crate) async fn on(connection: Arc<Connection>) -> Result<Self, Closed> {
        connection.link().quota().acquire().await?;
        Ok(Self { connection })
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.link().quota().release();
    }
}

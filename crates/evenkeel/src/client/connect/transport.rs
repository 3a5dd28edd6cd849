//! From an address to a stream that HTTP/2 can begin on.

use std::sync::Arc;

use evenkeel_core::cause::{Cause, CauseKind};
use evenkeel_core::endpoint::Address;
use tokio::time::{Instant, timeout_at};

#[cfg(feature = "tls")]
use super::tls::Tls;
use super::{ConnectRequest, Connector, Io};
use crate::http2::client::kind_of_io;

/// How a channel connects, TLS included.
#[derive(Clone)]
pub(in crate::client) struct Transport {
    pub(in crate::client) connector: Arc<dyn Connector>,
    #[cfg(feature = "tls")]
    pub(in crate::client) tls: Option<Arc<Tls>>,
}

impl Transport {
    /// Connects, and shakes hands where there is TLS.
    ///
    /// # Errors
    /// What failed, or which step was not done by `deadline`.
    pub(super) async fn connect(&self, address: &Address, deadline: Instant) -> Result<Box<dyn Io>, Cause> {
        let started = Instant::now();
        let io = timeout_at(deadline, self.connector.connect(&ConnectRequest::new(address)))
            .await
            .map_err(|_| late("connection", started))?
            .map_err(|error| Cause::new(kind_of_io(&error), error.to_string()))?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return timeout_at(deadline, tls.handshake(io))
                .await
                .map_err(|_| late("TLS handshake", started))?
                .map_err(|error| Cause::new(CauseKind::Tls, error.to_string()));
        }
        Ok(io)
    }
}

/// Nobody there and somebody silent are different faults, of different people.
pub(super) fn late(missing: &str, started: Instant) -> Cause {
    let text = format!("no {missing} after {:.1} s", started.elapsed().as_secs_f64());
    Cause::new(CauseKind::TimedOut, text)
}

//! TLS over whatever a connector connects.

mod explain;
mod settings;
mod stream;
mod unverified;

pub use settings::ClientTls;

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::Io;
use crate::tls::ALPN_H2;
use explain::Explainer;
use stream::TlsIo;

/// One channel's TLS.
pub(in crate::client) struct Tls {
    connector: TlsConnector,
    server_name: ServerName<'static>,
    explainer: Arc<Explainer>,
}

impl Tls {
    /// Shakes hands on `io`. Dropping the future closes it.
    ///
    /// # Errors
    /// What is wrong, with whom, and what to do, in an operator's words.
    pub(super) async fn handshake(&self, io: Box<dyn Io>) -> io::Result<Box<dyn Io>> {
        let stream = self
            .connector
            .connect(self.server_name.clone(), io)
            .await
            .map_err(|error| self.explainer.handshake(error))?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN_H2) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, explain::NO_ALPN));
        }
        Ok(Box::new(TlsIo { stream, explainer: Arc::clone(&self.explainer) }))
    }
}

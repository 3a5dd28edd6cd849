//! Connections: how an address becomes a stream of bytes.

mod attempt;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod transport;

pub(super) use attempt::{Attempt, Dialler, LinkEvent};
pub(super) use tcp::Sockets;
pub use tcp::TcpOptions;
#[cfg(feature = "tls")]
pub use tls::ClientTls;
pub(super) use transport::Transport;

use std::io;

use evenkeel_core::endpoint::Address;
use tokio::io::{AsyncRead, AsyncWrite};

use super::resolve::BoxFuture;

/// A stream of bytes to a peer.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Makes connections: sockets by default, anything else (in-memory pipes, proxies) by a program's own connector.
pub trait Connector: Send + Sync + 'static {
    /// Connects to `address`. Dropping the future gives the attempt up.
    ///
    /// # Errors
    /// When no connection can be made; the subchannel tries again after its backoff.
    fn connect(&self, address: &Address) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;
}

impl<F> Connector for F
where
    F: Fn(&Address) -> BoxFuture<'static, io::Result<Box<dyn Io>>> + Send + Sync + 'static,
{
    fn connect(&self, address: &Address) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        self(address)
    }
}

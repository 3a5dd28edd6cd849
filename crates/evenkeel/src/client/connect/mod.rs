//! Connections: how an address becomes a stream of bytes.

mod runner;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod transport;

pub(super) use runner::{Attempt, AttemptEvent, Runner};
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

/// A connection that is wanted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectRequest<'a> {
    /// Where to.
    pub address: &'a Address,
}

impl<'a> ConnectRequest<'a> {
    /// One to `address`, and nothing else to say about it.
    pub fn new(address: &'a Address) -> Self {
        Self { address }
    }
}

/// Makes connections: sockets by default, anything else (in-memory pipes, proxies) by a program's own connector.
pub trait Connector: Send + Sync + 'static {
    /// Connects as `request` says. Dropping the future gives the attempt up, and the channel drops it when
    /// [`ChannelBuilder::connect_timeout`](crate::ChannelBuilder::connect_timeout) is over.
    ///
    /// # Errors
    /// When no connection can be made; the subchannel tries again after its backoff.
    fn connect(&self, request: &ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;
}

impl<F> Connector for F
where
    F: Fn(&ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>> + Send + Sync + 'static,
{
    fn connect(&self, request: &ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        self(request)
    }
}

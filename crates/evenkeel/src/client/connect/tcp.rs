//! TCP and Unix-domain sockets.

use std::io;
use std::time::Duration;

use evenkeel_core::endpoint::Address;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};

use super::{Connector, Io};
use crate::client::resolve::BoxFuture;

/// Options of a channel's TCP connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpOptions {
    /// Send small segments at once (TCP_NODELAY). Default on; off costs throughput and tail latency even under load.
    pub nodelay: bool,
    /// Idle time before the kernel probes a silent peer; `None` turns probing off. Default 10 s.
    pub keepalive: Option<Duration>,
    /// Between probes. Default 5 s.
    pub keepalive_interval: Duration,
    /// Unanswered probes after which the connection is dead. Default 3.
    pub keepalive_retries: u32,
    /// How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, Linux only); `None` leaves it to the kernel,
    /// which means some 15 minutes. Default 20 s.
    pub user_timeout: Option<Duration>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: Some(Duration::from_secs(10)),
            keepalive_interval: Duration::from_secs(5),
            keepalive_retries: 3,
            user_timeout: Some(Duration::from_secs(20)),
        }
    }
}

impl TcpOptions {
    /// Sets the options on a connected socket.
    pub(crate) fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(self.nodelay)?;
        let socket = SockRef::from(stream);
        if let Some(idle) = self.keepalive {
            let keepalive = TcpKeepalive::new()
                .with_time(idle)
                .with_interval(self.keepalive_interval)
                .with_retries(self.keepalive_retries);
            socket.set_tcp_keepalive(&keepalive)?;
        }
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(self.user_timeout)?;
        Ok(())
    }
}

/// Connects by the operating system's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::client) struct Sockets {
    pub(in crate::client) tcp: TcpOptions,
}

impl Connector for Sockets {
    fn connect(&self, address: &Address) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let address = address.clone();
        let tcp = self.tcp;
        Box::pin(async move {
            match address {
                Address::Ip(address) => connected(TcpStream::connect(address).await?, &tcp),
                Address::Name(name) => connected(TcpStream::connect(&*name).await?, &tcp),
                Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Io>),
                Address::UnixAbstract(name) => connect_abstract(&name).await,
            }
        })
    }
}

fn connected(stream: TcpStream, options: &TcpOptions) -> io::Result<Box<dyn Io>> {
    options.apply(&stream)?;
    Ok(Box::new(stream))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
async fn connect_abstract(name: &str) -> io::Result<Box<dyn Io>> {
    // tokio takes a leading NUL for the abstract namespace.
    let stream = UnixStream::connect(format!("\0{name}")).await?;
    Ok(Box::new(stream))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
async fn connect_abstract(_: &str) -> io::Result<Box<dyn Io>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "abstract Unix sockets exist on Linux only"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn the_kernel_has_the_defaults() {
        let (client, _server) = connection().await;
        TcpOptions::default().apply(&client).unwrap();
        let socket = SockRef::from(&client);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(10));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(20)));
    }

    #[tokio::test]
    async fn what_is_off_is_off() {
        let (client, _server) = connection().await;
        let options =
            TcpOptions { nodelay: false, keepalive: None, user_timeout: None, ..TcpOptions::default() };
        options.apply(&client).unwrap();
        let socket = SockRef::from(&client);
        assert!(!socket.tcp_nodelay().unwrap() && !socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), None);
    }
}

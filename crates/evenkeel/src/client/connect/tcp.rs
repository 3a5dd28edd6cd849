//! TCP and Unix-domain sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use evenkeel_core::endpoint::Address;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};

use super::{ConnectRequest, Connector, Io};
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
    /// Where TCP connections come from; `None` is the system's choice.
    pub(in crate::client) local_address: Option<IpAddr>,
}

impl Connector for Sockets {
    fn connect(&self, request: &ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let address = request.address.clone();
        let Self { tcp, local_address } = *self;
        Box::pin(async move {
            match address {
                Address::Ip(address) => connected(connect_tcp(address, local_address).await?, &tcp),
                Address::Name(name) => connected(connect_name(&name, local_address).await?, &tcp),
                Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Io>),
                Address::UnixAbstract(name) => connect_abstract(&name).await,
                other => {
                    let text = format!("sockets do not reach {other}: it needs a connector of its own");
                    Err(io::Error::new(io::ErrorKind::Unsupported, text))
                }
            }
        })
    }
}

async fn connect_tcp(address: SocketAddr, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(local) = local else { return TcpStream::connect(address).await };
    if local.is_ipv4() != address.is_ipv4() {
        let text =
            format!("{address} cannot be reached from `local_address` {local}: one is IPv4, the other IPv6");
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, text));
    }
    let socket = if local.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(local, 0)).map_err(|error| {
        io::Error::new(error.kind(), format!("`local_address` {local} cannot be used: {error}"))
    })?;
    socket.connect(address).await
}

/// Tries the addresses of a name that the system's resolver knows, one after another.
async fn connect_name(name: &str, local: Option<IpAddr>) -> io::Result<TcpStream> {
    if local.is_none() {
        return TcpStream::connect(name).await;
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(name).await? {
        match connect_tcp(address, local).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
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
    async fn connections_come_from_the_local_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let local: IpAddr = if cfg!(target_os = "linux") { [127, 0, 0, 7] } else { [127, 0, 0, 1] }.into();
        let name = format!("127.0.0.1:{}", address.port());
        for target in [Address::Ip(address), Address::Name(name.into())] {
            let sockets = Sockets { local_address: Some(local), ..Sockets::default() };
            let _io = sockets.connect(&ConnectRequest::new(&target)).await.unwrap();
            assert_eq!(listener.accept().await.unwrap().1.ip(), local, "{target}");
        }
    }

    #[tokio::test]
    async fn a_local_address_that_does_not_fit_is_named() {
        let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
        for local in ["::1", "192.0.2.1"] {
            let sockets = Sockets { local_address: Some(local.parse().unwrap()), ..Sockets::default() };
            let error =
                sockets.connect(&ConnectRequest::new(&Address::Ip(address))).await.err().unwrap().to_string();
            assert!(error.contains("local_address") && error.contains(local), "{error}");
        }
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

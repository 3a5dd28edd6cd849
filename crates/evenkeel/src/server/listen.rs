//! Opening listeners, and the options of accepted sockets.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs, UnixListener, UnixStream, lookup_host};

use super::error::BindError;

/// How many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// The options of accepted TCP sockets.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpOptions {
    pub(super) nodelay: bool,
    /// `None` is no keepalive.
    pub(super) keepalive: Option<Keepalive>,
    /// How long sent data may stay unacknowledged; `None` is the system's 15 minutes or so. Linux only.
    pub(super) user_timeout: Option<Duration>,
}

/// A dead peer is noticed after `idle + interval * probes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) probes: u32,
}

/// A socket file, removed when the server no longer listens there.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl TcpOptions {
    /// A socket that does not take an option still works without it.
    pub(super) fn apply(&self, stream: &TcpStream) {
        let socket = SockRef::from(stream);
        let mut results = vec![socket.set_tcp_nodelay(self.nodelay)];
        if let Some(keepalive) = self.keepalive {
            let options = TcpKeepalive::new()
                .with_time(keepalive.idle)
                .with_interval(keepalive.interval)
                .with_retries(keepalive.probes);
            results.push(socket.set_tcp_keepalive(&options));
        }
        #[cfg(target_os = "linux")]
        results.push(socket.set_tcp_user_timeout(self.user_timeout));
        for error in results.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a TCP option was refused");
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Listens on the first address of `address` that works.
pub(super) async fn listen_tcp<A: ToSocketAddrs + Display>(address: A) -> Result<TcpListener, BindError> {
    let text = address.to_string();
    let unusable = |source| BindError::Address { address: text.clone(), source };
    let mut last = None;
    for candidate in lookup_host(address).await.map_err(unusable)? {
        match listen_at(candidate) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => BindError::listen(&text, error),
        None => unusable(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
    })
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // `[::]` means both families, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    // A restarted server must not wait for the old connections' TIME_WAIT to pass.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Listens at a socket file; one that a server which is gone left behind is replaced.
pub(super) async fn listen_unix(path: &Path) -> Result<(UnixListener, SocketFile), BindError> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path).await => {
            std::fs::remove_file(path).and_then(|()| UnixListener::bind(path))
        }
        bound => bound,
    };
    match listener {
        Ok(listener) => Ok((listener, SocketFile(path.to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(BindError::PathInUse { path: path.to_owned() })
        }
        Err(error) => Err(BindError::listen(&path.display().to_string(), error)),
    }
}

/// A socket at which nobody listens any more refuses connections; a plain file refuses them too, but is not ours.
async fn is_stale(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let refused =
        UnixStream::connect(path).await.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
    is_socket && refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_sockets_get_their_options() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let options = TcpOptions {
            nodelay: true,
            keepalive: Some(Keepalive {
                idle: Duration::from_secs(11),
                interval: Duration::from_secs(6),
                probes: 4,
            }),
            user_timeout: Some(Duration::from_secs(21)),
        };
        options.apply(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(11));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(6));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(21)));
    }

    #[tokio::test]
    async fn the_unspecified_ipv6_address_takes_ipv4_too() {
        // A machine without IPv6 has nothing to show here.
        let Ok(listener) = listen_tcp("[::]:0").await else { return };
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    }
}

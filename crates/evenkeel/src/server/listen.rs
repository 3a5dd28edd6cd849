//! Opening listeners, and the options of accepted sockets.

use std::fmt::{self, Display};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
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
    /// Silence before the first probe; `None` is no keepalive.
    pub(super) keepalive: Option<Duration>,
    /// Between probes; `None` leaves it to the system.
    pub(super) keepalive_interval: Option<Duration>,
    /// Unanswered probes that end the connection; `None` leaves it to the system.
    pub(super) keepalive_retries: Option<u32>,
    /// How long sent data may stay unacknowledged; `None` is the system's 15 minutes or so. Linux only.
    pub(super) user_timeout: Option<Duration>,
}

/// A socket file, removed when the server no longer listens there.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Which one it was: somebody may have put another in its place.
    identity: Option<(u64, u64)>,
}

impl TcpOptions {
    /// A socket that does not take an option still works without it.
    pub(super) fn apply(&self, stream: &TcpStream) {
        let socket = SockRef::from(stream);
        let mut results = vec![socket.set_tcp_nodelay(self.nodelay)];
        if let Some(idle) = self.keepalive {
            let mut options = TcpKeepalive::new().with_time(idle);
            if let Some(interval) = self.keepalive_interval {
                options = options.with_interval(interval);
            }
            if let Some(retries) = self.keepalive_retries {
                options = options.with_retries(retries);
            }
            results.push(socket.set_tcp_keepalive(&options));
        }
        #[cfg(target_os = "linux")]
        results.push(socket.set_tcp_user_timeout(self.user_timeout));
        for error in results.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a TCP option was refused");
        }
    }
}

impl Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What makes a file this one, whatever its name: its device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Listens on the first address of `address` that works.
pub(super) async fn listen_tcp<A: ToSocketAddrs + Display>(address: A) -> Result<TcpListener, BindError> {
    let text = address.to_string();
    let unusable = |source| BindError::Address { address: text.clone(), source };
    let mut last = None;
    for candidate in lookup_host(address).await.map_err(unusable)? {
        match listen_at(candidate, open) {
            Ok(listener) => return Ok(listener),
            Err(failed) => last = Some(failed),
        }
    }
    Err(match last {
        Some((None, error)) => BindError::listen(&text, error),
        Some((Some(instead), error)) => {
            BindError::listen(&format!("{text}, here {instead}, as the kernel has no IPv6"), error)
        }
        None => unusable(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
    })
}

/// An address that was tried instead of the one that was asked for, and what the system said to it.
type Failed = (Option<SocketAddr>, io::Error);

/// Listens at `address`. `[::]` means everywhere: where the kernel has no IPv6, that is every address of IPv4. Any other
/// address of IPv6 names a place that is not there. `open` makes the socket.
fn listen_at<T>(address: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<T>) -> Result<T, Failed> {
    let error = match open(address) {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let is_everywhere = address.is_ipv6() && address.ip().is_unspecified();
    if !is_everywhere || !lacks_ipv6(&error) {
        return Err((None, error));
    }
    let instead = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    let listener = open(instead).map_err(|error| (Some(instead), error))?;
    tracing::warn!(asked = %address, listening = %instead, %error, "the kernel has no IPv6: serving IPv4 only");
    Ok(listener)
}

/// A kernel without IPv6 refuses the socket; one that has it switched off may have no `::` to bind to.
fn lacks_ipv6(error: &io::Error) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const FAMILY_OR_PROTOCOL: [i32; 2] = [97, 93];
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const FAMILY_OR_PROTOCOL: [i32; 2] = [47, 43];
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| FAMILY_OR_PROTOCOL.contains(&code))
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
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
        Ok(listener) => Ok((listener, SocketFile { path: path.to_owned(), identity: identity(path) })),
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
            keepalive: Some(Duration::from_secs(11)),
            keepalive_interval: Some(Duration::from_secs(6)),
            keepalive_retries: Some(4),
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
        // Without IPv6 in the kernel it is IPv4 alone.
        let listener = listen_tcp("[::]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    }

    const NOT_SUPPORTED: i32 = if cfg!(target_os = "linux") { 97 } else { 47 };
    const NOT_AVAILABLE: i32 = if cfg!(target_os = "linux") { 99 } else { 49 };
    const IN_USE: i32 = if cfg!(target_os = "linux") { 98 } else { 48 };

    /// What is opened where each address of IPv6 gives `v6` and each of IPv4 `v4`.
    fn opened(address: &str, v6: Option<i32>, v4: Option<i32>) -> Result<SocketAddr, Failed> {
        listen_at(address.parse().unwrap(), |address| match if address.is_ipv6() { v6 } else { v4 } {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Ok(address),
        })
    }

    #[test]
    fn without_ipv6_everywhere_is_everywhere_in_ipv4() {
        let v4 = "0.0.0.0:50051".parse().unwrap();
        assert_eq!(opened("[::]:50051", Some(NOT_SUPPORTED), None).unwrap(), v4);
        assert_eq!(opened("[::]:50051", Some(NOT_AVAILABLE), None).unwrap(), v4);
        assert_eq!(opened("[::]:50051", None, Some(IN_USE)).unwrap(), "[::]:50051".parse().unwrap());
    }

    #[test]
    fn only_everywhere_and_only_a_lack_of_ipv6_falls_back() {
        assert_eq!(
            opened("[::]:1", Some(IN_USE), None).unwrap_err().0,
            None,
            "another's port is not taken over"
        );
        assert_eq!(opened("[::1]:1", Some(NOT_AVAILABLE), None).unwrap_err().0, None);
        assert_eq!(opened("[2001:db8::1]:1", Some(NOT_SUPPORTED), None).unwrap_err().0, None);
        assert_eq!(opened("192.0.2.1:1", None, Some(NOT_AVAILABLE)).unwrap_err().0, None);
    }

    #[test]
    fn the_address_that_was_tried_instead_is_named() {
        let (instead, error) = opened("[::]:7", Some(NOT_SUPPORTED), Some(IN_USE)).unwrap_err();
        assert_eq!(instead, Some("0.0.0.0:7".parse().unwrap()));
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}

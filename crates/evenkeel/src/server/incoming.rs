//! Where connections come from, with their types forgotten.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tonic::codegen::StdError as BoxError;
use tonic::transport::server::Connected;

use super::connection::{self, Environment};
use super::listen::{SocketFile, TcpOptions};
use super::order::Ended;

/// An accepted connection: give it its environment, and it runs to its end.
pub(super) type Start = Box<dyn FnOnce(Environment) -> Run + Send>;
pub(super) type Run = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A source of connections.
pub(super) trait Incoming: Send {
    /// The next connection; `None` when no more will come.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Start, AcceptError>>>;

    /// The TCP addresses it listens on.
    fn local_addrs(&self) -> Vec<SocketAddr> {
        Vec::new()
    }

    /// For messages.
    fn name(&self) -> String;
}

/// Why one connection could not be accepted.
#[derive(Debug)]
pub(super) enum AcceptError {
    /// The next one may well be.
    Temporary(io::Error),
    /// The listener is broken.
    Permanent(io::Error),
    /// A connection of the user's own stream failed on its own; the stream goes on.
    Own(BoxError),
}

pub(super) struct TcpIncoming {
    listeners: Vec<TcpListener>,
    /// Who is asked first: a busy listener must not starve the others.
    next: usize,
    options: TcpOptions,
}

pub(super) struct UnixIncoming {
    /// Removed while the listener still is there: afterwards another server may have made a file of the same name.
    pub(super) file: SocketFile,
    pub(super) listener: UnixListener,
}

/// A stream of the user's own connections.
pub(super) struct OwnIncoming<S>(pub(super) Pin<Box<S>>);

impl TcpIncoming {
    pub(super) fn new(listeners: Vec<TcpListener>, options: TcpOptions) -> Self {
        Self { listeners, next: 0, options }
    }
}

impl Incoming for TcpIncoming {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Start, AcceptError>>> {
        let count = self.listeners.len();
        for place in (self.next..count).chain(0..self.next) {
            let Poll::Ready(accepted) = self.listeners[place].poll_accept(cx) else { continue };
            self.next = (place + 1) % count;
            return Poll::Ready(Some(accepted.map_err(classify).map(|(stream, _)| {
                self.options.apply(&stream);
                start(stream)
            })));
        }
        Poll::Pending
    }

    fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    fn name(&self) -> String {
        let addresses: Vec<_> = self.local_addrs().iter().map(SocketAddr::to_string).collect();
        if addresses.is_empty() { "a TCP socket".to_owned() } else { addresses.join(", ") }
    }
}

impl Incoming for UnixIncoming {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Start, AcceptError>>> {
        let accepted = ready!(self.listener.poll_accept(cx));
        Poll::Ready(Some(accepted.map_err(classify).map(|(stream, _)| start(stream))))
    }

    fn name(&self) -> String {
        self.file.to_string()
    }
}

impl<S, IO, E> Incoming for OwnIncoming<S>
where
    S: Stream<Item = Result<IO, E>> + Send,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    E: Into<BoxError>,
{
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Start, AcceptError>>> {
        let next = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(next.map(|accepted| match accepted {
            Ok(io) => Ok(start(io)),
            Err(error) => Err(AcceptError::Own(error.into())),
        }))
    }

    fn name(&self) -> String {
        "the program's own connections".to_owned()
    }
}

fn start<IO>(io: IO) -> Start
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    Box::new(move |environment| Box::pin(connection::run(io, environment)))
}

/// Only what says that the listener itself is unusable is permanent; a lack of anything, and a peer that gave up
/// while it waited, passes.
fn classify(error: io::Error) -> AcceptError {
    const EBADF: i32 = 9;
    let is_permanent = matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EBADF);
    if is_permanent { AcceptError::Permanent(error) } else { AcceptError::Temporary(error) }
}

impl fmt::Debug for dyn Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_descriptors_is_temporary_and_a_closed_listener_is_not() {
        const EMFILE: i32 = 24;
        for passing in [EMFILE, 23, 12, 4] {
            let error = io::Error::from_raw_os_error(passing);
            assert!(matches!(classify(error), AcceptError::Temporary(_)), "{passing}");
        }
        for error in [io::Error::from_raw_os_error(9), io::ErrorKind::InvalidInput.into()] {
            assert!(matches!(classify(error), AcceptError::Permanent(_)));
        }
    }
}

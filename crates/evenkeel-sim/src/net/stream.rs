//! One end of a connection, as a program holds it.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};
use tonic::transport::server::Connected;

use super::Net;
use super::connection::{Read, Side};

/// A stream over the simulated network. Dropping it closes it as a kernel would.
pub(crate) struct Stream {
    pub(super) net: Net,
    pub(super) id: u64,
    pub(super) side: Side,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) arrival: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let at = {
                let mut state = this.net.state();
                if state.is_frozen(this.local.ip(), cx.waker()) {
                    return Poll::Pending;
                }
                let Some(connection) = state.connections.get_mut(&this.id) else {
                    return Poll::Ready(Ok(()));
                };
                match connection.read(this.side, cx, buffer) {
                    Read::Done(result) => return Poll::Ready(result),
                    Read::Wait => return Poll::Pending,
                    Read::At(at) => at,
                }
            };
            let arrival = this.arrival.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if arrival.deadline() != at {
                arrival.as_mut().reset(at);
            }
            ready!(arrival.as_mut().poll(cx));
            this.arrival = None;
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.net.state();
        if state.is_frozen(self.local.ip(), cx.waker()) {
            return Poll::Pending;
        }
        let ways = [state.way(self.local.ip(), self.peer.ip()), state.way(self.peer.ip(), self.local.ip())];
        match state.connections.get_mut(&self.id) {
            Some(connection) => connection.write(self.side, cx, data, ways),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.net.state();
        let way = state.way(self.local.ip(), self.peer.ip());
        if let Some(connection) = state.connections.get_mut(&self.id) {
            connection.finish(self.side, way);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.net.state();
        let way = state.way(self.local.ip(), self.peer.ip());
        if let Some(connection) = state.connections.get_mut(&self.id) {
            connection.close(self.side, way);
            if connection.is_over() {
                state.connections.remove(&self.id);
            }
        }
    }
}

impl Connected for Stream {
    type ConnectInfo = SocketAddr;

    fn connect_info(&self) -> SocketAddr {
        self.peer
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.local, self.peer)
    }
}

//! Making connections, and taking them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Connection;
use super::{Net, State, Stream};

/// When a SYN is sent again (Linux: 1 s, doubling).
const SYNS: [u64; 6] = [0, 1, 3, 7, 15, 31];
/// When a router says that there is no such host, if it does.
const UNREACHABLE: Duration = Duration::from_secs(3);

/// Takes connections. Dropping it makes the host refuse them.
#[derive(Debug)]
pub(crate) struct Listener {
    net: Net,
    address: SocketAddr,
    arrived: mpsc::UnboundedReceiver<Stream>,
}

enum Knock {
    Open(Stream),
    Refused,
    Lost,
}

impl Net {
    pub(crate) fn listen(&self, address: SocketAddr) -> Listener {
        let (sender, arrived) = mpsc::unbounded_channel();
        self.state().listeners.insert(address, sender);
        Listener { net: self.clone(), address, arrived }
    }

    /// Connects as a kernel does: an absent host, a cut or a loss costs SYNs, a host without a listener refuses.
    pub(crate) async fn connect(&self, from: IpAddr, to: SocketAddr) -> io::Result<Stream> {
        let start = Instant::now();
        let is_unreachable = {
            let mut state = self.state();
            !state.hosts.contains(&to.ip()) && state.random.bool()
        };
        for seconds in SYNS {
            sleep_until(start + Duration::from_secs(seconds)).await;
            if is_unreachable && seconds > 0 {
                sleep_until(start + UNREACHABLE).await;
                return Err(ErrorKind::HostUnreachable.into());
            }
            let round_trip = {
                let mut state = self.state();
                let there = state.packet(from, to.ip());
                there.zip(state.packet(to.ip(), from)).map(|(there, back)| there + back)
            };
            let Some(round_trip) = round_trip else { continue };
            sleep(round_trip).await;
            match self.knock(from, to) {
                Knock::Open(stream) => return Ok(stream),
                Knock::Refused => return Err(ErrorKind::ConnectionRefused.into()),
                Knock::Lost => {}
            }
        }
        sleep(Duration::from_secs(32)).await;
        Err(ErrorKind::TimedOut.into())
    }

    fn knock(&self, from: IpAddr, to: SocketAddr) -> Knock {
        let mut guard = self.state();
        let state: &mut State = &mut guard;
        if !state.hosts.contains(&to.ip()) {
            return Knock::Lost;
        }
        let Some(listener) = state.listeners.get(&to) else { return Knock::Refused };
        let listener = listener.clone();
        let id = state.next_connection;
        state.next_connection += 1;
        let from = SocketAddr::new(from, 32_768 + (id % 28_000) as u16);
        let seed = state.seed ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        state.connections.insert(id, Connection::new([from, to], seed));
        drop(guard);
        let end = |side, local, peer| Stream { net: self.clone(), id, side, local, peer, arrival: None };
        let (dialled, accepted) = (end(0, from, to), end(1, to, from));
        match listener.send(accepted) {
            Ok(()) => Knock::Open(dialled),
            Err(_) => Knock::Refused,
        }
    }
}

impl Listener {
    pub(crate) async fn accept(&mut self) -> Option<Stream> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Stream>> {
        if self.net.state().is_frozen(self.address.ip(), cx.waker()) {
            return Poll::Pending;
        }
        self.arrived.poll_recv(cx)
    }
}

impl futures_core::Stream for Listener {
    type Item = io::Result<Stream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Stream>>> {
        self.get_mut().poll_accept(cx).map(|arrived| arrived.map(Ok))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.arrived.close();
        let mut state = self.net.state();
        // The next process on the host may be listening already.
        if state.listeners.get(&self.address).is_some_and(mpsc::UnboundedSender::is_closed) {
            state.listeners.remove(&self.address);
        }
    }
}

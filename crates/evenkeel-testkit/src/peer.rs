//! A listener whose connections do what a test says, byte by byte, when even a raw HTTP/2 peer is too polite.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

use crate::raw::DEADLINE;
use crate::sockets::{self, TcpState};

/// Hands each accepted connection to a function of the test. Dropping it closes them all.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    accepted: watch::Receiver<Vec<Instant>>,
    acceptor: JoinHandle<()>,
}

/// A listener whose queue of connections is full: the kernel drops every SYN, as a firewall or a vanished host does.
/// Linux only.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _filler: TcpStream,
}

impl Peer {
    /// Listens on a free port of 127.0.0.1; `serve` is run for every connection, side by side.
    pub async fn start<F, S>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a listener has an address");
        let (times, accepted) = watch::channel(Vec::new());
        let acceptor = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                times.send_modify(|times| times.push(Instant::now()));
                connections.spawn(serve(stream));
            }
        });
        Self { address, accepted, acceptor }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.accepted.borrow().len()
    }

    /// Waits until it has accepted `count` connections; returns the times between one and the next.
    pub async fn gaps(&self, count: usize) -> Vec<Duration> {
        let mut accepted = self.accepted.clone();
        let enough = timeout(DEADLINE, accepted.wait_for(|times| times.len() >= count)).await;
        let Ok(Ok(times)) = enough else {
            panic!("in {DEADLINE:?} there were only {} of {count} connections", self.connections())
        };
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl BlackHole {
    /// Opens one on a free port of 127.0.0.1.
    pub async fn open() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a loopback port can be bound");
        // Linux keeps one connection more than the backlog says.
        let listener = socket.listen(0).expect("a bound socket can listen");
        let address = listener.local_addr().expect("a listener has an address");
        let filler = TcpStream::connect(address).await.expect("the first connection finds room");
        let full = async {
            while !sockets::tcp().iter().any(|row| row.is_listener(address) && row.receive_queue == 1) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, full).await.expect("the first connection fills the queue");
        Self { address, _listener: listener, _filler: filler }
    }

    /// Where it swallows connection attempts.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether somebody is trying to connect now, without an answer.
    pub fn has_attempt(&self) -> bool {
        sockets::tcp().iter().any(|row| row.state == TcpState::SynSent && row.remote == self.address)
    }
}

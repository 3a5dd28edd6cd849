//! A forwarder between a client and a server that can fall silent while its kernel goes on to acknowledge.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Forwards TCP connections to one address. Dropping it closes them all.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    flows: watch::Sender<bool>,
    accepted: watch::Receiver<usize>,
    acceptor: JoinHandle<()>,
}

impl Forwarder {
    /// Listens on a free port of 127.0.0.1 and forwards to `to`.
    pub async fn start(to: SocketAddr) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a listener has an address");
        let flows = watch::Sender::new(true);
        let (count, accepted) = watch::channel(0);
        let gate = flows.subscribe();
        let acceptor = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                connections.spawn(forward(stream, to, gate.clone()));
            }
        });
        Self { address, flows, accepted, acceptor }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        *self.accepted.borrow()
    }

    /// From now on nothing passes, in either direction; connections stay, and new ones are accepted.
    pub fn fall_silent(&self) {
        self.flows.send_replace(false);
    }

    /// Everything passes again, in order, what was held back first.
    pub fn go_on(&self) {
        self.flows.send_replace(true);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn forward(client: TcpStream, to: SocketAddr, gate: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("TCP_NODELAY can be set");
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::join!(pass(client_read, server_write, gate.clone()), pass(server_read, client_write, gate));
}

/// Until the reading side ends or either breaks.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(n @ 1..) = from.read(&mut buffer).await else { return };
        // The forwarder that went away let all of this go, too.
        if gate.wait_for(|flows| *flows).await.is_err() || to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

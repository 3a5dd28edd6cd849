//! A forwarder between a client and a server that can fall silent while its kernel goes on to acknowledge.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// Forwards TCP connections to one address. Dropping it closes them all.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    forwarder: evenkeel_lab::Forwarder,
}

impl Forwarder {
    /// Listens on a free port of 127.0.0.1 and forwards to `to`.
    pub async fn start(to: SocketAddr) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a listener has an address");
        let forwarder = evenkeel_lab::Forwarder::start(listener);
        forwarder.set(vec![to]);
        Self { address, forwarder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.forwarder.connections()
    }

    /// From now on nothing passes, in either direction; connections stay, and new ones are accepted.
    pub fn fall_silent(&self) {
        self.forwarder.fall_silent();
    }

    /// Everything passes again, in order, what was held back first.
    pub fn go_on(&self) {
        self.forwarder.go_on();
    }
}

//! A server that a test plays.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connection::{Automatic, RawConnection, Role};
use super::expect::DEADLINE;
use super::log::Log;

/// Listens on a loopback port and hands out its connections in the order of acceptance.
#[derive(Debug)]
pub struct RawServer {
    address: SocketAddr,
    log: Log,
    automatic: Arc<Mutex<Automatic>>,
    accepted: tokio::sync::Mutex<mpsc::UnboundedReceiver<RawConnection>>,
    acceptor: JoinHandle<()>,
}

impl RawServer {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(automatic: Automatic) -> Self {
        Self::start_on(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), automatic).await
    }

    /// Listens on `address`; port 0 is any free one.
    pub async fn start_on(address: SocketAddr, automatic: Automatic) -> Self {
        let listener = TcpListener::bind(address).await.expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a listener has an address");
        let log = Log::new();
        let automatic = Arc::new(Mutex::new(automatic));
        let (sender, accepted) = mpsc::unbounded_channel();
        let acceptor = tokio::spawn(accept_all(listener, Arc::clone(&automatic), log.clone(), sender));
        Self { address, log, automatic, accepted: tokio::sync::Mutex::new(accepted), acceptor }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A target that names it without any resolution, `ipv4:127.0.0.1:port`.
    pub fn target(&self) -> String {
        format!("ipv4:{}", self.address)
    }

    /// The record of all its connections.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What connections accepted from now on do without being told.
    pub fn set_automatic(&self, automatic: Automatic) {
        *self.automatic.lock().unwrap_or_else(PoisonError::into_inner) = automatic;
    }

    /// The next connection; panics with the record when none comes within [`DEADLINE`].
    pub async fn accept(&self) -> RawConnection {
        let next = async { self.accepted.lock().await.recv().await };
        match tokio::time::timeout(DEADLINE, next).await {
            Ok(Some(connection)) => connection,
            _ => panic!("in {DEADLINE:?} there was no connection\nthe record:\n{:?}", self.log),
        }
    }

    /// A connection that nobody has accepted yet, if one is there.
    pub async fn accepted(&self) -> Option<RawConnection> {
        self.accepted.lock().await.try_recv().ok()
    }

    /// Stops listening: later connections are refused. The connections there are stay.
    pub async fn stop_listening(&mut self) {
        self.acceptor.abort();
        let _ = (&mut self.acceptor).await;
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept_all(
    listener: TcpListener,
    automatic: Arc<Mutex<Automatic>>,
    log: Log,
    accepted: mpsc::UnboundedSender<RawConnection>,
) {
    for number in 1.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        let automatic = automatic.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let connection = RawConnection::tcp(stream, Role::Server, number, log.clone(), automatic).await;
        if accepted.send(connection).is_err() {
            return;
        }
    }
}

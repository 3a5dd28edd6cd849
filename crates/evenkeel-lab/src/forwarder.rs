//! A forwarder of TCP connections, each to a backend drawn at random, as kube-proxy's are.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running forwarder: a connection goes to a backend drawn at random and stays there. Dropping it cuts them all.
#[derive(Debug)]
pub struct Forwarder {
    backends: Arc<Mutex<Vec<SocketAddr>>>,
    accepted: Arc<AtomicUsize>,
    flows: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Forwarder {
    /// Starts a forwarder of what `listener` accepts, to no backend yet: without one, a connection ends at once.
    pub fn start(listener: TcpListener) -> Self {
        let (backends, accepted) = (Arc::default(), Arc::default());
        let flows = watch::Sender::new(true);
        let mut tasks = JoinSet::new();
        let (to, count) = (Arc::clone(&backends), Arc::clone(&accepted));
        tasks.spawn(forward_all(listener, to, count, flows.subscribe()));
        Self { backends, accepted, flows, _tasks: tasks }
    }

    /// Says where new connections go; those that stand stay where they are.
    pub fn set(&self, backends: Vec<SocketAddr>) {
        *self.backends.lock().unwrap_or_else(PoisonError::into_inner) = backends;
    }

    /// How many connections it has accepted so far.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// From now on no byte passes, in either direction; connections stay, and new ones are accepted. The end of one does
    /// pass.
    pub fn fall_silent(&self) {
        self.flows.send_replace(false);
    }

    /// Everything passes again, in order, what was held back first.
    pub fn go_on(&self) {
        self.flows.send_replace(true);
    }
}

async fn forward_all(
    listener: TcpListener,
    backends: Arc<Mutex<Vec<SocketAddr>>>,
    accepted: Arc<AtomicUsize>,
    gate: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors, most likely: a pause lets some go.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        accepted.fetch_add(1, Ordering::Relaxed);
        let backend =
            fastrand::choice(backends.lock().unwrap_or_else(PoisonError::into_inner).iter().copied());
        if let Some(backend) = backend {
            let gate = gate.clone();
            connections.spawn(async move {
                // Whatever ends the connection, both its ends see it.
                let _ = forward(client, backend, gate).await;
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, backend: SocketAddr, gate: watch::Receiver<bool>) -> io::Result<()> {
    let mut backend = TcpStream::connect(backend).await?;
    client.set_nodelay(true)?;
    backend.set_nodelay(true)?;
    let (client_read, client_write) = client.split();
    let (backend_read, backend_write) = backend.split();
    tokio::try_join!(pass(client_read, backend_write, gate.clone()), pass(backend_read, client_write, gate))
        .map(drop)
}

/// Until the reading side ends, which the other side is told; or until either breaks.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut gate: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        let Some(bytes @ [_, ..]) = buffer.get(..length) else { return to.shutdown().await };
        // The forwarder that went away let all of this go, too.
        if gate.wait_for(|flows| *flows).await.is_err() {
            return Ok(());
        }
        to.write_all(bytes).await?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::{AsyncReadExt, AsyncWriteExt, Duration, Forwarder, SocketAddr, TcpListener, TcpStream};

    /// A backend that says its letter and then repeats what it hears.
    async fn backend(letter: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    stream.write_all(&[letter]).await?;
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn forwarder(backends: Vec<SocketAddr>) -> (Forwarder, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let forwarder = Forwarder::start(listener);
        forwarder.set(backends);
        (forwarder, address)
    }

    #[tokio::test]
    async fn a_connection_stays_with_one_backend_and_many_meet_them_all() {
        let (forwarder, address) = forwarder(vec![backend(b'a').await, backend(b'b').await]).await;

        let mut met = std::collections::BTreeSet::new();
        for _ in 0..64 {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            met.insert(stream.read_u8().await.expect("a letter"));
            stream.write_all(b"hello").await.expect("sent");
            let mut echo = [0; 5];
            stream.read_exact(&mut echo).await.expect("an echo");
            assert_eq!(&echo, b"hello");
        }
        assert_eq!(met.len(), 2, "64 draws that all fall on one of two backends: once in 10^19");
        assert_eq!(forwarder.connections(), 64);
    }

    #[tokio::test]
    async fn without_a_backend_a_connection_ends() {
        let (_forwarder, address) = forwarder(vec![]).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    }
    #[tokio::test]
    async fn backends_that_change_change_it_for_new_connections() {
        let (forwarder, address) = forwarder(vec![backend(b'a').await]).await;
        let mut old = TcpStream::connect(address).await.expect("connected");
        assert_eq!(old.read_u8().await.expect("a letter"), b'a');
        forwarder.set(vec![backend(b'b').await]);
        let mut new = TcpStream::connect(address).await.expect("connected");
        assert_eq!(new.read_u8().await.expect("a letter"), b'b');
        old.write_all(b"x").await.expect("sent");
        assert_eq!(old.read_u8().await.expect("an echo"), b'x');
    }

    #[tokio::test]
    async fn what_is_held_back_comes_later_and_in_order() {
        let (forwarder, address) = forwarder(vec![backend(b'a').await]).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        assert_eq!(stream.read_u8().await.expect("a letter"), b'a');
        forwarder.fall_silent();
        stream.write_all(b"one").await.expect("sent");
        let mut other = TcpStream::connect(address).await.expect("accepted all the same");
        let silence = Duration::from_millis(100);
        assert!(timeout(silence, stream.read_u8()).await.is_err(), "an echo passed");
        assert!(timeout(silence, other.read_u8()).await.is_err(), "a letter passed");
        stream.write_all(b"two").await.expect("sent");
        forwarder.go_on();
        let mut echo = [0; 6];
        stream.read_exact(&mut echo).await.expect("an echo");
        assert_eq!((&echo, other.read_u8().await.expect("a letter")), (b"onetwo", b'a'));
    }

    #[tokio::test]
    async fn one_direction_may_end_before_the_other() {
        let (_forwarder, address) = forwarder(vec![backend(b'a').await]).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"last").await.expect("sent");
        stream.shutdown().await.expect("half closed");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the end");
        assert_eq!(rest, b"alast");
    }

    #[tokio::test]
    async fn dropping_it_cuts_what_stands() {
        let (forwarder, address) = forwarder(vec![backend(b'a').await]).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        assert_eq!(stream.read_u8().await.expect("a letter"), b'a');
        drop(forwarder);
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    }
}

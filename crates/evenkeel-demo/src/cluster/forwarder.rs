//! The ClusterIP: each connection to it goes to a pod drawn at random, and stays there, as kube-proxy does.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running forwarder. Dropping it cuts its connections.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pods: Arc<Mutex<Vec<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl Forwarder {
    /// Starts a forwarder of what `listener` accepts, to no pod yet.
    pub(crate) fn start(listener: TcpListener) -> Self {
        let pods = Arc::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(forward_all(listener, Arc::clone(&pods)));
        Self { pods, _tasks: tasks }
    }

    /// Says where new connections go; those that stand stay where they are.
    pub(crate) fn set(&self, pods: Vec<SocketAddr>) {
        *self.pods.lock().unwrap_or_else(PoisonError::into_inner) = pods;
    }
}

async fn forward_all(listener: TcpListener, pods: Arc<Mutex<Vec<SocketAddr>>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors, most likely: a pause lets some go.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let pod = fastrand::choice(pods.lock().unwrap_or_else(PoisonError::into_inner).iter().copied());
        if let Some(pod) = pod {
            connections.spawn(async move {
                // Whatever ends the connection, both its ends see it.
                let _ = forward(client, pod).await;
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, pod: SocketAddr) -> io::Result<()> {
    let mut pod = TcpStream::connect(pod).await?;
    client.set_nodelay(true)?;
    pod.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut pod).await.map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{Forwarder, SocketAddr, TcpListener, TcpStream};

    /// A pod that says its letter and then repeats what it hears.
    async fn pod(letter: u8) -> SocketAddr {
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

    async fn forwarder(pods: Vec<SocketAddr>) -> (Forwarder, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let forwarder = Forwarder::start(listener);
        forwarder.set(pods);
        (forwarder, address)
    }

    #[tokio::test]
    async fn a_connection_stays_with_one_pod_and_many_meet_them_all() {
        let (_forwarder, address) = forwarder(vec![pod(b'a').await, pod(b'b').await]).await;

        let mut met = std::collections::BTreeSet::new();
        for _ in 0..64 {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            met.insert(stream.read_u8().await.expect("a letter"));
            stream.write_all(b"hello").await.expect("sent");
            let mut echo = [0; 5];
            stream.read_exact(&mut echo).await.expect("an echo");
            assert_eq!(&echo, b"hello");
        }
        assert_eq!(met.len(), 2, "64 draws that all fall on one of two pods: once in 10^19");
    }

    #[tokio::test]
    async fn without_a_pod_a_connection_ends() {
        let (_forwarder, address) = forwarder(vec![]).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    }
}

//! A DNS server's sockets: UDP and TCP on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::query::{Query, Transport};

/// How often a port that UDP has and TCP has not is given back for another.
const PORT_ATTEMPTS: usize = 32;
/// How long a TCP client may be silent (RFC 7766 §6.2.3 wants a few seconds).
const TCP_IDLE: Duration = Duration::from_secs(10);

/// A running server. Dropping it ends it, and whatever it is still answering.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// What a server does about a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It sends this message. Over TCP, one of more than 65,535 bytes ends the connection.
    Message(Vec<u8>),
    /// It says nothing.
    Silence,
    /// It says nothing, and over TCP it closes the connection.
    HangUp,
}

impl Server {
    /// Starts a server at `address`; port 0 stands for any that UDP and TCP both have free.
    ///
    /// `react`, which must not panic, is called with each question as it comes, and what it returns may take its time: others are answered
    /// meanwhile, on one TCP connection each after the one before. A TCP client that sends what is no question, or
    /// nothing for 10 s, is hung up on.
    ///
    /// # Errors
    /// When the port, or any port of the address, cannot be bound for both.
    pub async fn start<R, F>(address: SocketAddr, react: R) -> io::Result<Self>
    where
        R: Fn(Query) -> F + Send + Sync + 'static,
        F: Future<Output = Reaction> + Send + 'static,
    {
        let (udp, tcp) = bind(address).await?;
        let address = udp.local_addr()?;
        let react = Arc::new(react);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&react)));
        tasks.spawn(serve_tcp(tcp, react));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => result = Err(error),
        }
    }
    result
}

async fn serve_udp<R, F>(socket: UdpSocket, react: Arc<R>)
where
    R: Fn(Query) -> F,
    F: Future<Output = Reaction> + Send + 'static,
{
    let socket = Arc::new(socket);
    let mut answering = JoinSet::new();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // Errors here are an earlier answer's, whose client has gone: the next question is another's.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let message = buffer.get(..length);
        let Some(query) = message.and_then(|message| Query::parse(message, Transport::Udp)) else { continue };
        let (socket, reaction) = (Arc::clone(&socket), react(query));
        answering.spawn(async move {
            if let Reaction::Message(message) = reaction.await {
                let _ = socket.send_to(&message, client).await;
            }
        });
        while answering.try_join_next().is_some() {}
    }
}

async fn serve_tcp<R, F>(listener: TcpListener, react: Arc<R>)
where
    R: Fn(Query) -> F + Send + Sync + 'static,
    F: Future<Output = Reaction> + Send + 'static,
{
    let mut clients = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: a pause lets some go.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let react = Arc::clone(&react);
        clients.spawn(async move {
            // Whatever ends a client's connection, the client knows it.
            let _ = serve_client(stream, &*react).await;
        });
        while clients.try_join_next().is_some() {}
    }
}

/// Questions and answers, each after its length (RFC 1035 §4.2.2), until either side goes.
async fn serve_client<R, F>(mut stream: TcpStream, react: &R) -> io::Result<()>
where
    R: Fn(Query) -> F,
    F: Future<Output = Reaction>,
{
    loop {
        let length = timeout(TCP_IDLE, stream.read_u16()).await??;
        let mut message = vec![0; usize::from(length)];
        timeout(TCP_IDLE, stream.read_exact(&mut message)).await??;
        // Out of step: where the next question begins cannot be known.
        let Some(query) = Query::parse(&message, Transport::Tcp) else { return Ok(()) };
        let message = match react(query).await {
            Reaction::Message(message) => message,
            Reaction::Silence => continue,
            Reaction::HangUp => return Ok(()),
        };
        let Ok(length) = u16::try_from(message.len()) else { return Ok(()) };
        stream.write_all(&[&length.to_be_bytes(), &message[..]].concat()).await?;
    }
}

#[cfg(test)]
mod tests;

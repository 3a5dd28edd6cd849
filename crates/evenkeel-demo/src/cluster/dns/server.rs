//! The DNS server's sockets: UDP and TCP on one port of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::codec::{Answer, Query};
use super::zone::{Fault, Zone};

/// How often a port that UDP has and TCP has not is given back for another.
const PORT_ATTEMPTS: usize = 20;
/// How long a TCP client may be silent (RFC 7766 §6.2.3 wants a few seconds).
const TCP_IDLE: Duration = Duration::from_secs(10);

/// A running DNS server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct DnsServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    _tasks: JoinSet<()>,
}

impl DnsServer {
    /// Starts a server for `zone` on `ip`.
    ///
    /// # Errors
    /// When no port of this address is free for both UDP and TCP.
    pub(crate) async fn start(ip: Ipv4Addr, zone: Zone) -> io::Result<Self> {
        let (udp, tcp) = bind(ip).await?;
        let address = udp.local_addr()?;
        let zone = Arc::new(Mutex::new(zone));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&zone)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&zone)));
        Ok(Self { address, zone, _tasks: tasks })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// As [`Zone::set`].
    pub(crate) fn set(&self, name: &str, addresses: Vec<Ipv4Addr>) {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).set(name, addresses);
    }

    /// As [`Zone::set_fault`].
    pub(crate) fn set_fault(&self, name: &str, fault: Option<Fault>) -> u64 {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).set_fault(name, fault)
    }
}

async fn bind(ip: Ipv4Addr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind((ip, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => result = Err(error),
        }
    }
    result
}

async fn serve_udp(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; 4096];
    loop {
        // Errors here are an earlier answer's, whose client has gone: the next question is another's.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(query) = buffer.get(..length).and_then(Query::parse) else { continue };
        let Some(answer) = answer(&query, &zone) else { continue };
        let message = query.respond(&answer, query.udp_limit());
        let _ = socket.send_to(&message, client).await;
    }
}

async fn serve_tcp(listener: TcpListener, zone: Arc<Mutex<Zone>>) {
    let mut clients = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: a pause lets some go.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let zone = Arc::clone(&zone);
        clients.spawn(async move {
            // Whatever ends a client's connection, the client knows it.
            let _ = serve_client(stream, &zone).await;
        });
        while clients.try_join_next().is_some() {}
    }
}

/// Questions and answers, each after its length (RFC 1035 §4.2.2), until the client goes.
async fn serve_client(mut stream: TcpStream, zone: &Mutex<Zone>) -> io::Result<()> {
    loop {
        let length = timeout(TCP_IDLE, stream.read_u16()).await??;
        let mut message = vec![0; usize::from(length)];
        timeout(TCP_IDLE, stream.read_exact(&mut message)).await??;
        let Some(query) = Query::parse(&message) else { return Ok(()) };
        let Some(answer) = answer(&query, zone) else { continue };
        let message = query.respond(&answer, usize::from(u16::MAX));
        let mut framed = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        framed.extend(message);
        stream.write_all(&framed).await?;
    }
}

fn answer(query: &Query, zone: &Mutex<Zone>) -> Option<Answer> {
    if !query.is_answerable() {
        return Some(Answer::Refused);
    }
    let mut zone = zone.lock().unwrap_or_else(PoisonError::into_inner);
    let mut answer = zone.answer(&query.name, query.is_for_a(), Instant::now());
    if let Some(Answer::Addresses { addresses, .. }) = &mut answer {
        // As CoreDNS' loadbalance does: nobody may lean on an order.
        fastrand::shuffle(addresses);
    }
    answer
}

#[cfg(test)]
mod tests;

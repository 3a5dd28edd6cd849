//! One question to one server over one transport.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use evenkeel_core::event::DnsTransport;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider};
use tokio::time::{Instant, sleep_until, timeout};

use super::message::{Cause, Encoded, Found, Question};

/// Longer than any datagram that we say we take.
const BUFFER: usize = 4096;
/// When a question that is not answered is sent over UDP again, in units, and with EDNS or without, for the server
/// whose way is too narrow for EDNS. Without it, well before the next server is asked.
const SENDINGS: [(u32, bool); 5] = [(0, true), (1, true), (2, false), (6, false), (12, false)];
/// The unit; less where the patience is so small that the later ones would not come to their turn.
const UNIT: Duration = Duration::from_millis(333);

/// Where questions get their sockets from. Exempt from semantic versioning: it names hickory's traits.
pub trait DnsSockets: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// Makes the sockets.
    type Provider: RuntimeProvider;

    /// Makes a provider for one question. Dropping its last clone must end the tasks it spawned.
    fn provider(&self) -> Self::Provider;
}

/// The operating system's sockets, on tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSockets;

/// Whom to ask, how, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) server: SocketAddr,
    pub(super) transport: DnsTransport,
    pub(super) with_edns: bool,
    pub(super) patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Reply {
    /// The answer's size in bytes, if one came.
    pub(super) size: Option<usize>,
    /// Whether the question that was answered had EDNS.
    pub(super) with_edns: bool,
    pub(super) outcome: Result<Found, Cause>,
}

impl DnsSockets for SystemSockets {
    type Provider = TokioRuntimeProvider;

    fn provider(&self) -> TokioRuntimeProvider {
        TokioRuntimeProvider::new()
    }
}

/// Asks one server over one transport.
///
/// The messages and the sockets are hickory's, the conversation is ours: hickory's own takes a bare header for silence
/// and checks nothing about an answer over TCP; its resolver's search walk takes an outage for NXDOMAIN, its cache would
/// hide the TTL, and its pool does not say what came over which transport. Dropping this future closes its socket.
pub(super) async fn exchange(question: &Question, way: Way, sockets: &impl DnsSockets) -> Reply {
    let provider = sockets.provider();
    let conversation = async {
        match way.transport {
            DnsTransport::Tcp => over_tcp(question, way, &provider).await,
            _ => over_udp(question, way, &provider).await,
        }
    };
    match timeout(way.patience, conversation).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(cause)) => Reply { size: None, with_edns: way.with_edns, outcome: Err(cause) },
        Err(_) => {
            let outcome = Err(Cause::Timeout(way.patience));
            Reply { size: None, with_edns: way.with_edns, outcome }
        }
    }
}

async fn over_udp(question: &Question, way: Way, provider: &impl RuntimeProvider) -> Result<Reply, Cause> {
    let plain = question.encode(false)?;
    let extended = way.with_edns.then(|| question.encode(true)).transpose()?;
    let socket = provider.bind_udp(any_port(way.server), way.server).await?;
    let (started, unit) = (Instant::now(), UNIT.min(way.patience / 5));
    let mut sendings = SENDINGS.iter().copied().peekable();
    let mut buffer = vec![0; BUFFER];
    loop {
        let next = sendings.peek().map(|(units, _)| started + unit * *units);
        tokio::select! {
            biased;
            received = socket.recv_from(&mut buffer) => {
                let (length, from) = received?;
                let bytes = &buffer[..length.min(BUFFER)];
                let asked = [(extended.as_ref(), true), (Some(&plain), false)];
                if is_from(from, way.server) && let Some(reply) = read(question, bytes, asked) {
                    return Ok(reply);
                }
            }
            () = sleep_until(next.unwrap_or(started)), if next.is_some() => {
                let with_edns = sendings.next().is_some_and(|(_, with_edns)| with_edns);
                let encoded = extended.as_ref().filter(|_| with_edns).unwrap_or(&plain);
                socket.send_to(&encoded.bytes, way.server).await?;
            }
        }
    }
}

fn read(question: &Question, bytes: &[u8], asked: [(Option<&Encoded>, bool); 2]) -> Option<Reply> {
    asked.into_iter().find_map(|(encoded, with_edns)| {
        let outcome = question.read(encoded?.id, bytes)?;
        Some(Reply { size: Some(bytes.len()), with_edns, outcome })
    })
}

async fn over_tcp(question: &Question, way: Way, provider: &impl RuntimeProvider) -> Result<Reply, Cause> {
    let encoded = question.encode(way.with_edns)?;
    let mut stream = provider.connect_tcp(way.server, None, Some(way.patience)).await?;
    // A question has 300 bytes at most.
    let length = u16::try_from(encoded.bytes.len()).map_err(|error| Cause::Name(error.to_string()))?;
    stream.write_all(&[&length.to_be_bytes(), &encoded.bytes[..]].concat()).await?;
    stream.flush().await?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).await?;
    // The connection was made for this question: there is nothing else to wait for.
    let outcome = question.read(encoded.id, &bytes).unwrap_or(Err(Cause::NotOurs));
    Ok(Reply { size: Some(bytes.len()), with_edns: way.with_edns, outcome })
}

fn any_port(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Leaves flow label and zone out: the kernel fills them in.
fn is_from(from: SocketAddr, server: SocketAddr) -> bool {
    from.ip().to_canonical() == server.ip().to_canonical() && from.port() == server.port()
}

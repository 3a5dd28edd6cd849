//! A DNS server that answers what a test tells it to, over UDP and TCP, and remembers what it was asked.

mod script;
mod serve;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use script::{Foul, Reply};

/// A running server on 127.0.0.1, at one port for UDP and TCP. Names that the script does not hold are NXDOMAIN.
///
/// Dropping it stops it.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// A question as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// In lower case, without the trailing dot.
    pub name: String,
    /// None when it is neither A nor AAAA.
    pub record_type: Option<RecordType>,
    /// How it came.
    pub transport: Transport,
    /// The EDNS UDP payload size, when there was an OPT record.
    pub edns: Option<u16>,
}

/// The types of records that a script can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// IPv4.
    A,
    /// IPv6.
    Aaaa,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<HashMap<(String, RecordType), Reply>>,
    queries: watch::Sender<Vec<Query>>,
}

impl DnsServer {
    /// Starts a server with an empty script.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts another server at `ip`, with an empty script of its own, at the same port.
    ///
    /// # Errors
    /// When that port cannot be bound.
    pub async fn start_beside(&self, ip: Ipv4Addr) -> io::Result<Self> {
        Self::start_at((ip, self.address.port()).into()).await
    }

    async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let (udp, tcp) = serve::bind(address).await?;
        let address = udp.local_addr()?;
        let task = tokio::spawn(serve::serve(udp, tcp, state.clone()));
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, answers `reply` to questions of this type for `name`.
    pub fn set(&self, name: &str, record_type: RecordType, reply: Reply) {
        self.state.script().insert((canonical(name), record_type), reply);
    }

    /// From now on, answers `reply` to A and AAAA questions for `name`.
    pub fn set_both(&self, name: &str, reply: Reply) {
        self.set(name, RecordType::A, reply.clone());
        self.set(name, RecordType::Aaaa, reply);
    }

    /// From now on, `name` has these addresses of both families, with this TTL in seconds.
    pub fn set_addresses(&self, name: &str, ttl: u32, addresses: impl IntoIterator<Item = IpAddr>) {
        self.set_both(name, Reply::addresses(ttl, addresses));
    }

    /// From now on, `name` does not exist.
    pub fn remove(&self, name: &str) {
        self.set_both(name, Reply::nxdomain());
    }

    /// All questions so far, in the order they came.
    pub fn queries(&self) -> Vec<Query> {
        self.state.queries.borrow().clone()
    }

    /// Forgets the questions so far.
    pub fn clear_queries(&self) {
        self.state.queries.send_modify(Vec::clear);
    }

    /// Waits until the questions so far are what `is_enough` wants.
    ///
    /// Mind that a client asks again when it has waited for some time: the same question may stand there twice.
    pub async fn wait_until(&self, mut is_enough: impl FnMut(&[Query]) -> bool) {
        // The sender lives as long as this server, so there is no error.
        let _ = self.state.queries.subscribe().wait_for(|queries| is_enough(queries)).await;
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The answer to a question of the caller's own transport, for worlds without sockets: how long it takes and its bytes.
/// Nothing for silence and for what is no question.
pub fn answer(
    message: &[u8],
    transport: Transport,
    reply: impl FnOnce(&Query) -> Reply,
) -> Option<(Duration, Vec<u8>)> {
    let question = wire::Question::parse(message)?;
    let reply = reply(&question.to_query(transport));
    Some((reply.delay(), reply.encode(&question, transport == Transport::Udp)?))
}

impl RecordType {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::A,
            IpAddr::V6(_) => Self::Aaaa,
        }
    }

    fn from_code(code: u16) -> Option<Self> {
        match code {
            wire::TYPE_A => Some(Self::A),
            wire::TYPE_AAAA => Some(Self::Aaaa),
            _ => None,
        }
    }
}

impl State {
    fn script(&self) -> std::sync::MutexGuard<'_, HashMap<(String, RecordType), Reply>> {
        // A test that panicked while it held the lock has failed already.
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, name: &str, record_type: Option<RecordType>) -> Reply {
        let Some(record_type) = record_type else { return Reply::no_data() };
        self.script().get(&(name.to_owned(), record_type)).cloned().unwrap_or_else(Reply::nxdomain)
    }
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

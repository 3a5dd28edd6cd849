//! A DNS server that answers what a test tells it to, over UDP and TCP, and remembers what it was asked.

mod foul;
mod script;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_lab::dns::{Reaction, Server};
use tokio::sync::watch;

pub use evenkeel_lab::dns::{Query, RecordType, Transport};
pub use foul::Foul;
pub use script::Reply;

/// A running server on 127.0.0.1, at one port for UDP and TCP. Names that the script does not hold are NXDOMAIN.
///
/// Dropping it stops it.
#[derive(Debug)]
pub struct DnsServer {
    server: Server,
    state: Arc<State>,
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
        Self::start_at((ip, self.address().port()).into()).await
    }

    async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let asked = Arc::clone(&state);
        let react = move |query: Query| {
            let reply = asked.reply(&query);
            async move {
                tokio::time::sleep(reply.delay()).await;
                reply.reaction(&query)
            }
        };
        Ok(Self { server: Server::start(address, react).await?, state })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
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

/// The answer to a question of the caller's own transport, for worlds without sockets: how long it takes and its bytes.
/// Nothing for silence and for what is no question.
pub fn answer(
    message: &[u8],
    transport: Transport,
    reply: impl FnOnce(&Query) -> Reply,
) -> Option<(Duration, Vec<u8>)> {
    let query = Query::parse(message, transport)?;
    let reply = reply(&query);
    match reply.reaction(&query) {
        Reaction::Message(bytes) => Some((reply.delay(), bytes)),
        Reaction::Silence | Reaction::HangUp => None,
    }
}

impl State {
    fn script(&self) -> std::sync::MutexGuard<'_, HashMap<(String, RecordType), Reply>> {
        // A test that panicked while it held the lock has failed already.
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the script says to a question, which is noted.
    fn reply(&self, query: &Query) -> Reply {
        let reply = match query.record_type {
            Some(record_type) => self.script().get(&(query.name.clone(), record_type)).cloned(),
            None => Some(Reply::no_data()),
        };
        self.queries.send_modify(|queries| queries.push(query.clone()));
        reply.unwrap_or_else(Reply::nxdomain)
    }
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

//! A network in memory, on the runtime's virtual clock: hosts that go down, ways that are cut, slow or lossy, and TCP
//! as the kernel shows it to a program.
//!
//! What TCP does below the program is modelled by its effect on time: a lost segment comes a retransmission later, one
//! sent into a cut waits for the first retransmission after the repair, and a peer that has been silent for the user
//! timeout makes the connection fail with "timed out". A dead host says nothing; one that came back resets what it does
//! not know.

mod connection;
mod dial;
mod resolver;
mod stream;

pub(crate) use dial::Listener;
pub(crate) use resolver::Sockets;
pub(crate) use stream::Stream;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::mpsc;
use tokio::time::Instant;

use connection::Connection;

/// TCP_USER_TIMEOUT, as both sides of evenkeel set it.
pub(crate) const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers datagrams: how long it takes, and with what.
pub(crate) type Service = Arc<dyn Fn(&[u8]) -> Option<(Duration, Vec<u8>)> + Send + Sync>;

/// The network. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Net(Arc<Mutex<State>>);

/// How bytes fare from one host to another, in that direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) cut: bool,
    pub(crate) latency: Duration,
    /// The share of packets that get lost.
    pub(crate) loss: f64,
}

struct State {
    seed: u64,
    /// What is not said otherwise.
    usual: Way,
    ways: HashMap<(IpAddr, IpAddr), Way>,
    hosts: HashSet<IpAddr>,
    frozen: HashMap<IpAddr, Vec<Waker>>,
    listeners: HashMap<SocketAddr, mpsc::UnboundedSender<Stream>>,
    services: HashMap<SocketAddr, Service>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    random: Rng,
}

impl Net {
    pub(crate) fn new(seed: u64, latency: Duration) -> Self {
        Self(Arc::new(Mutex::new(State {
            seed,
            usual: Way { cut: false, latency, loss: 0.0 },
            ways: HashMap::new(),
            hosts: HashSet::new(),
            frozen: HashMap::new(),
            listeners: HashMap::new(),
            services: HashMap::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            random: Rng::with_seed(seed),
        })))
    }

    /// The host is there: it answers, if only to refuse.
    pub(crate) fn add_host(&self, ip: IpAddr) {
        self.state().hosts.insert(ip);
    }

    /// The host is gone: nothing answers at its address, and its connections hear nothing of it.
    pub(crate) fn remove_host(&self, ip: IpAddr) {
        let mut state = self.state();
        state.hosts.remove(&ip);
        state.listeners.retain(|address, _| address.ip() != ip);
        for connection in state.connections.values_mut() {
            connection.on_host_gone(ip);
        }
    }

    /// The host is back, or its address is another host's now: what it does not know, it resets.
    pub(crate) fn restart_host(&self, ip: IpAddr) {
        let mut state = self.state();
        state.hosts.insert(ip);
        for connection in state.connections.values_mut() {
            connection.reset_if_unknown(ip);
        }
    }

    /// Processes on the host stop (SIGSTOP) while its kernel goes on.
    pub(crate) fn freeze(&self, ip: IpAddr) {
        self.state().frozen.entry(ip).or_default();
    }

    pub(crate) fn thaw(&self, ip: IpAddr) {
        for waker in self.state().frozen.remove(&ip).unwrap_or_default() {
            waker.wake();
        }
    }

    /// Changes one direction; what was held by a cut goes on when there is none any more.
    pub(crate) fn set_way(&self, from: IpAddr, to: IpAddr, change: impl FnOnce(&mut Way)) {
        let mut state = self.state();
        let usual = state.usual;
        let way = state.ways.entry((from, to)).or_insert(usual);
        change(way);
        let way = *way;
        for connection in state.connections.values_mut() {
            connection.on_way_changed(from, to, way);
        }
    }

    /// Packets fare as usual again, both ways.
    pub(crate) fn repair(&self, one: IpAddr, other: IpAddr) {
        let usual = self.state().usual;
        self.set_way(one, other, |way| *way = usual);
        self.set_way(other, one, |way| *way = usual);
    }

    /// The kernels give up the connections between two hosts, or all of one: the user timeout is over.
    pub(crate) fn time_out(&self, ip: IpAddr, other: Option<IpAddr>) {
        for connection in self.state().connections.values_mut() {
            if connection.is_between(ip, other) {
                connection.fail(ErrorKind::TimedOut);
            }
        }
    }

    /// Somebody in the middle forgot the host's connections: both ends get a reset.
    pub(crate) fn reset(&self, ip: IpAddr) {
        for connection in self.state().connections.values_mut() {
            if connection.is_between(ip, None) {
                connection.fail(ErrorKind::ConnectionReset);
            }
        }
    }

    /// From now on `service` answers datagrams to `address`.
    pub(crate) fn serve_datagrams(&self, address: SocketAddr, service: Service) {
        self.state().services.insert(address, service);
    }

    /// Connections that either end still holds.
    pub(crate) fn open_connections(&self) -> usize {
        self.state().connections.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn way(&self, from: IpAddr, to: IpAddr) -> Way {
        self.ways.get(&(from, to)).copied().unwrap_or(self.usual)
    }

    /// Whether a packet sent now arrives, and after how long.
    fn packet(&mut self, from: IpAddr, to: IpAddr) -> Option<Duration> {
        let way = self.way(from, to);
        let lost = way.cut || self.random.f64() < way.loss;
        (!lost).then(|| way.delay(&mut self.random))
    }

    /// Whether processes of the host stand still; then `waker` is woken when they go on.
    fn is_frozen(&mut self, ip: IpAddr, waker: &Waker) -> bool {
        match self.frozen.get_mut(&ip) {
            Some(waiting) => {
                if !waiting.iter().any(|known| known.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                true
            }
            None => false,
        }
    }
}

impl Way {
    fn delay(&self, random: &mut Rng) -> Duration {
        self.latency.mul_f64(1.0 + random.f64() / 2.0)
    }

    /// When a segment sent now arrives, retransmissions included; not at all while the way is cut.
    fn arrival(&self, random: &mut Rng) -> Option<Instant> {
        if self.cut {
            return None;
        }
        let mut delay = self.delay(random);
        let mut retransmission = Duration::from_millis(200);
        while random.f64() < self.loss && retransmission < USER_TIMEOUT {
            delay += retransmission;
            retransmission *= 2;
        }
        Some(Instant::now() + delay)
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}

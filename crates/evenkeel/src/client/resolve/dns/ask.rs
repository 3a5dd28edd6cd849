//! One question to one server, in whatever way it takes it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::event::{DnsAnswer, DnsQuery, DnsTransport, Event};
use evenkeel_core::resolve::{Family, Servers};
use evenkeel_core::time::Time;
use tokio::time::Instant;

use super::exchange::{DnsSockets, Reply, Way, exchange};
use super::message::{AbsoluteName, Cause, Found, Question};
use super::system::Settings;
use crate::clock::Clock;
use crate::observe::Observers;

/// What all questions of a resolver share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    sockets: S,
    clock: Clock,
    servers: Mutex<Servers>,
}

/// Whom one lookup asks, and who hears of it.
#[derive(Clone, Debug)]
pub(super) struct Asker<S> {
    pub(super) settings: Arc<Settings>,
    /// In the order to ask them.
    pub(super) servers: Vec<SocketAddr>,
    pub(super) shared: Arc<Shared<S>>,
    pub(super) observers: Observers,
}

impl<S> Shared<S> {
    pub(super) fn new(sockets: S) -> Self {
        Self { sockets, clock: Clock::start(), servers: Mutex::default() }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Waits until `time`; for ever if there is none, or no clock can reach it.
    pub(super) async fn until(&self, time: Option<Time>) {
        self.clock.sleep_until(time).await;
    }

    /// What has been learnt about the servers. Never held over an `await`.
    pub(super) fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: DnsSockets> Asker<S> {
    /// Asks one server: over UDP, and over TCP if the answer is truncated; with EDNS, and without if that may be what
    /// it does not take, or if the caller thinks so.
    pub(super) async fn ask(
        &self,
        name: &AbsoluteName,
        family: Family,
        server: SocketAddr,
        may_have_edns: bool,
    ) -> Result<Found, Cause> {
        let knows_edns = self.shared.servers().takes_edns(self.shared.now(), server);
        let patience = self.settings.conf.timeout;
        let mut way = Way {
            server,
            transport: if self.settings.conf.use_tcp { DnsTransport::Tcp } else { DnsTransport::Udp },
            with_edns: knows_edns && may_have_edns,
            patience,
        };
        // Over UDP, the question itself goes without EDNS after a while.
        let may_drop_edns = way.with_edns && way.transport == DnsTransport::Tcp;
        if may_drop_edns {
            way.patience /= 2;
        }
        // Each turn gives up one of the two, so there are three at most.
        loop {
            let reply = self.ask_in(way, name, family).await;
            match reply.outcome {
                Err(Cause::Truncated) if way.transport == DnsTransport::Udp => {
                    way.transport = DnsTransport::Tcp;
                    way.with_edns &= reply.with_edns;
                }
                Err(cause)
                    if way.with_edns
                        && (cause.may_be_for_edns() || may_drop_edns && cause.is_lost_connection()) =>
                {
                    way.with_edns = false;
                }
                Err(Cause::Timeout(_)) => {
                    self.learn(knows_edns, reply.with_edns, way, false);
                    return Err(Cause::Timeout(patience));
                }
                outcome => {
                    self.learn(knows_edns, reply.with_edns, way, outcome.is_ok());
                    return outcome;
                }
            }
        }
    }

    fn learn(&self, knew_edns: bool, with_edns: bool, way: Way, is_good: bool) {
        let now = self.shared.now();
        let mut servers = self.shared.servers();
        if is_good && knew_edns && !with_edns {
            tracing::debug!(server = %way.server, "the DNS server does not take EDNS: it is left off for a while");
            servers.on_edns_refused(now, way.server);
        } else if !is_good && !knew_edns && way.transport == DnsTransport::Tcp {
            // Without EDNS, a datagram holds less; where TCP does not get through, that is worth another try.
            servers.on_plain_unusable(way.server);
        }
    }

    async fn ask_in(&self, way: Way, name: &AbsoluteName, family: Family) -> Reply {
        let started = Instant::now();
        let reply = exchange(&Question::new(name, family), way, &self.shared.sockets).await;
        let (name, answer) = (name.to_string(), answer(&reply.outcome));
        let query = DnsQuery::new(name, family.as_str(), way.server, answer);
        let query = query.over(way.transport).after(started.elapsed()).sized(reply.size);
        self.observers.tell(&Event::DnsQuery(query));
        reply
    }
}

/// What observers are told.
fn answer(outcome: &Result<Found, Cause>) -> DnsAnswer {
    match outcome {
        Ok(Found::Addresses(addresses, ttl)) => DnsAnswer::addresses(addresses.iter().copied(), *ttl),
        Ok(Found::NoData) => DnsAnswer::NoRecords,
        Ok(Found::NxDomain) => DnsAnswer::NxDomain,
        Err(Cause::Truncated) => DnsAnswer::Truncated,
        Err(Cause::Code(code)) => DnsAnswer::ErrorCode((*code).into()),
        Err(Cause::Timeout(_)) => DnsAnswer::TimedOut,
        Err(cause) => DnsAnswer::Failed(cause.to_string()),
    }
}

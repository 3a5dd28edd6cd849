//! The life of one channel's `dns:` resolver.

use std::net::SocketAddr;
use std::pin::pin;

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::resolve::{Known, Pacer, RefreshMode};
use evenkeel_core::time::Time;
use fastrand::Rng;
use tokio::time::Instant;

use super::super::{Answer, BoxFuture, Resolver, Updates};
use super::exchange::DnsSockets;
use super::lookup::{Lookup, Outcome};
use super::single_address::SingleAddressWarning;

/// Looks a name up again and again, when the pacer says so.
#[derive(Debug)]
pub(super) struct DnsResolver<S> {
    lookup: Lookup<S>,
    port: u16,
    state: State,
}

/// What the lookups so far have led to.
#[derive(Debug)]
struct State {
    origin: Instant,
    pacer: Pacer,
    known: Known,
    warning: SingleAddressWarning,
    random: Rng,
}

impl<S: DnsSockets> DnsResolver<S> {
    pub(super) fn new(lookup: Lookup<S>, port: u16, mode: RefreshMode) -> Self {
        let state = State {
            origin: Instant::now(),
            pacer: Pacer::new(mode, Time::ORIGIN),
            known: Known::default(),
            warning: SingleAddressWarning::default(),
            random: Rng::new(),
        };
        Self { lookup, port, state }
    }

    async fn run_until_gone(mut self, mut updates: Updates) {
        let observers = updates.observers().clone();
        while wait_until_due(&mut self.state, &mut updates).await.is_some() {
            self.state.pacer.on_lookup_started();
            let winner = self.state.known.winner().map(str::to_owned);
            let outcome = {
                let mut lookup = pin!(self.lookup.run(winner.as_deref(), &observers));
                loop {
                    tokio::select! {
                        outcome = &mut lookup => break outcome,
                        request = updates.refresh_requested() => match request {
                            Some(request) => self.state.on_request(request.urgent),
                            None => return,
                        },
                    }
                }
            };
            let answer = self.state.on_outcome(outcome, self.lookup.host(), self.port);
            if !updates.report(answer, self.state.pacer.interval()) {
                return;
            }
        }
    }
}

impl<S: DnsSockets> Resolver for DnsResolver<S> {
    fn run(self: Box<Self>, updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(self.run_until_gone(updates))
    }
}

/// Waits for the next lookup's time; `None` when the channel is gone.
async fn wait_until_due(state: &mut State, updates: &mut Updates) -> Option<()> {
    loop {
        let due = state.pacer.next_lookup().map(|due| state.origin + due.since_origin());
        let sleep = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Requests first: a stream of them must not be kept from an earlier lookup.
            biased;
            request = updates.refresh_requested() => state.on_request(request?.urgent),
            () = sleep => return Some(()),
        }
    }
}

impl State {
    fn now(&self) -> Time {
        Time::after_origin(self.origin.elapsed())
    }

    fn on_request(&mut self, urgent: bool) {
        let now = self.now();
        self.pacer.on_request(now, urgent, &mut || self.random.u64(..));
    }

    fn on_outcome(&mut self, outcome: Outcome, host: &str, port: u16) -> Answer {
        let now = self.now();
        let random = &mut || self.random.u64(..);
        match outcome {
            Outcome::Found { name, v4, v6, ttl, failure } => {
                let changed = self.known.on_found(&name, v4, v6);
                self.pacer.on_answer(now, changed, ttl, random);
                let endpoints: Vec<Endpoint> =
                    self.known.addresses().map(|ip| SocketAddr::new(ip, port).into()).collect();
                tracing::debug!(
                    host,
                    name,
                    addresses = endpoints.len(),
                    changed,
                    ?ttl,
                    next = ?self.pacer.interval(),
                    failure = failure.map(tracing::field::display),
                    "resolved"
                );
                self.warning.on_found(host, &self.known);
                Answer::Endpoints(endpoints)
            }
            Outcome::Absent { names, servers } => {
                self.known.on_absent();
                self.pacer.on_failure(now, random);
                tracing::debug!(host, ?names, ?servers, next = ?self.pacer.interval(), "no such name or no address");
                Answer::Absent(absence(host, &names, &servers))
            }
            Outcome::Failed(error) => {
                self.pacer.on_failure(now, random);
                tracing::debug!(host, %error, next = ?self.pacer.interval(), "could not be resolved");
                Answer::Failed(format!("{host} could not be resolved: {error}"))
            }
        }
    }
}

fn absence(host: &str, names: &[String], servers: &[SocketAddr]) -> String {
    let servers: Vec<_> = servers.iter().map(SocketAddr::to_string).collect();
    format!(
        "{host} does not exist or has no address (asked {} for the A and AAAA records of {})",
        servers.join(", "),
        names.join(", ")
    )
}

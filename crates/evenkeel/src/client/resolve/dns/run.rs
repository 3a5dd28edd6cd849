//! The life of one channel's `dns:` resolver.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::resolve::{Known, Pacer, Records, RefreshMode, Urgency};
use evenkeel_core::time::Time;
use fastrand::Rng;

use super::super::{BoxFuture, Resolver, Update, Updates, Verdict};
use super::exchange::DnsSockets;
use super::lookup::{Lookup, Outcome};
use super::questions::Answered;
use super::single_address::SingleAddressWarning;
use crate::clock::Clock;

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
    clock: Clock,
    pacer: Pacer,
    known: Known,
    warning: SingleAddressWarning,
    random: Rng,
}

impl<S: DnsSockets> DnsResolver<S> {
    pub(super) fn new(lookup: Lookup<S>, port: u16, mode: RefreshMode) -> Self {
        Self { lookup, port, state: State::new(mode) }
    }

    async fn run_until_gone(mut self, mut updates: Updates) {
        let observers = updates.observers().clone();
        while self.wait_until_due(&mut updates).await.is_some() {
            self.state.pacer.on_lookup_started();
            let known = self.state.known.clone();
            let outcome = {
                let mut lookup = pin!(self.lookup.run(&known, &observers));
                loop {
                    tokio::select! {
                        outcome = &mut lookup => break outcome,
                        request = updates.refresh_requested() => match request {
                            Some(request) => self.state.on_request(request.urgency),
                            None => return,
                        },
                    }
                }
            };
            let update = self.state.on_outcome(outcome, self.lookup.host(), self.port);
            let update = update.with_next(self.state.pacer.interval());
            if self.state.is_gone(updates.report(update).await) {
                return;
            }
        }
    }

    /// Waits for the next lookup's time, and takes in what the last one left open; `None` when the channel is gone.
    async fn wait_until_due(&mut self, updates: &mut Updates) -> Option<()> {
        let Self { lookup, port, state } = self;
        loop {
            let sleep = state.clock.sleep_until(state.pacer.next_lookup());
            tokio::select! {
                // Requests first: a stream of them must not be kept from an earlier lookup.
                biased;
                request = updates.refresh_requested() => state.on_request(request?.urgency),
                late = lookup.late() => {
                    let update = state.on_late(late, lookup.host(), *port);
                    if let Some(update) = update {
                        let verdict = updates.report(update.with_next(state.due_in())).await;
                        if state.is_gone(verdict) {
                            return None;
                        }
                    }
                }
                () = sleep => return Some(()),
            }
        }
    }
}

impl<S: DnsSockets> Resolver for DnsResolver<S> {
    fn run(self: Box<Self>, updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(self.run_until_gone(updates))
    }
}

impl State {
    fn new(mode: RefreshMode) -> Self {
        Self {
            clock: Clock::start(),
            pacer: Pacer::new(mode, Time::ORIGIN),
            known: Known::default(),
            warning: SingleAddressWarning::default(),
            random: Rng::new(),
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn on_request(&mut self, urgency: Urgency) {
        let now = self.now();
        self.pacer.on_request(now, urgency, &mut || self.random.u64(..));
    }

    fn due_in(&self) -> Option<Duration> {
        self.pacer.due_in(self.now())
    }

    /// Takes in what the channel says to an update; returns whether there still is a channel.
    fn is_gone(&mut self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Gone => return true,
            Verdict::Rejected(reason) => {
                let now = self.now();
                self.pacer.on_rejected(now, &mut || self.random.u64(..));
                tracing::debug!(%reason, next = ?self.due_in(), "rejected");
            }
            _ => self.pacer.on_accepted(),
        }
        false
    }

    fn on_outcome(&mut self, outcome: Outcome, host: &str, port: u16) -> Update {
        let now = self.now();
        let random = &mut || self.random.u64(..);
        match outcome {
            Outcome::Found { name, records, has_ttl } => {
                let Records { v4, v6, ttl, failure } = records;
                let changed = self.known.on_found(&name, v4, v6);
                let ttl = has_ttl.then_some(ttl);
                self.pacer.on_answer(now, changed, ttl, random);
                let failure = failure.map(tracing::field::display);
                tracing::debug!(host, name, changed, ?ttl, next = ?self.pacer.interval(), failure, "resolved");
                self.endpoints(host, port)
            }
            Outcome::Absent(reason) => {
                self.known.on_absent();
                self.pacer.on_failure(now, random);
                tracing::debug!(host, reason, next = ?self.pacer.interval(), "no such name or no address");
                Update::absent(reason).keep_ready()
            }
            Outcome::Failed(error) => {
                if !error.contradicted.is_empty() {
                    self.known.on_contradicted(now);
                }
                self.pacer.on_failure(now, random);
                tracing::debug!(host, %error, next = ?self.pacer.interval(), "could not be resolved");
                Update::failed(format!("{host} could not be resolved: {error}"))
            }
        }
    }

    /// Takes in what has become of a family that its lookup did not wait for; what to report, if that is news.
    fn on_late(&mut self, late: Answered, host: &str, port: u16) -> Option<Update> {
        let (now, Answered { name, family, outcome }) = (self.now(), late);
        let has_records = outcome.is_positive();
        let Records { v4, v6, ttl, failure } = outcome.beside_records(family);
        let changed = self.known.on_found(&name, v4, v6);
        if has_records {
            self.pacer.on_late_answer(now, changed, ttl, &mut || self.random.u64(..));
        }
        let failure = failure.map(tracing::field::display);
        tracing::debug!(host, name, %family, changed, failure, "resolved late");
        changed.then(|| self.endpoints(host, port))
    }

    fn endpoints(&mut self, host: &str, port: u16) -> Update {
        self.warning.on_found(host, &self.known);
        let addresses = self.known.addresses().into_iter();
        Update::endpoints(addresses.map(|ip| Endpoint::from(SocketAddr::new(ip, port))))
    }
}

//! What happens to a load's channel meanwhile: which pods come and go, what their connections do, and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::event::{GoAway, ResolutionFailed, Suspected};
use evenkeel::{ConnectivityState, Event, Observer};

use crate::text::printable;

/// How many of the last events are kept: more than any screen shows.
const KEPT: usize = 64;
/// Of how many addresses it is known when they were last connected to: a load that goes on for months must not grow.
const KEPT_CONNECTED: usize = 4096;

/// Listens to a channel's events, as its observer.
#[derive(Debug)]
pub struct Watch {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    start: Instant,
    seen: Seen,
}

/// What has been seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// By the address that a subchannel connects to.
    pub members: BTreeMap<String, Member>,
    /// The last 64 events, the oldest first.
    pub events: VecDeque<Happened>,
    /// All of them, counted.
    pub tally: EventCounts,
    /// The last list: the addresses of each endpoint.
    pub(crate) endpoints: BTreeSet<Vec<String>>,
    /// When the newest connection to an address became READY.
    pub(crate) connected: BTreeMap<String, Duration>,
    /// There was a first list: what comes after it is a change.
    pub(crate) is_known: bool,
    /// Addresses whose GOAWAY has been told: that their connection then ends is no news.
    pub(crate) told: BTreeSet<String>,
}

/// One address that the resolver named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Of its subchannel.
    pub state: ConnectivityState,
    /// The resolver still names it.
    pub is_listed: bool,
    /// When it came after the load had begun with others, since the load's start.
    pub joined: Option<Duration>,
    /// An attempt to connect has failed.
    pub has_failed: bool,
}

/// One event, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Since the load's start.
    pub at: Duration,
    /// Fit for a terminal, whoever's words are in it.
    pub text: String,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// GOAWAYs that came.
    pub goaways: u64,
    /// Lookups that found something.
    pub lookups: u64,
    /// Those that found nothing.
    pub failed_lookups: u64,
    /// Addresses that came after the first list.
    pub joined: u64,
    /// Addresses that left the list.
    pub left: u64,
    /// Connections that ended without a GOAWAY.
    pub lost: u64,
}

impl Watch {
    /// Times count from `start`.
    pub fn new(start: Instant) -> Self {
        Self { state: Mutex::new(State { start, seen: Seen::default() }) }
    }

    /// A copy of what has been seen until now.
    pub fn seen(&self) -> Seen {
        self.lock().seen.clone()
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.lock().start.elapsed()
    }

    /// From here on times count from `start`; what came before belongs to the beginning.
    pub fn begin(&self, start: Instant) {
        let mut state = self.lock();
        let by = start.saturating_duration_since(state.start);
        state.start = start;
        state.seen.rebase(by);
    }

    /// When the newest connection to an address became READY, if there has been one.
    pub(crate) fn connected(&self, address: &str) -> Option<Duration> {
        self.lock().seen.connected.get(address).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn on_event(&self, event: &Event) {
        let mut state = self.lock();
        let at = state.start.elapsed();
        state.seen.on_event(at, event);
    }
}

impl Seen {
    /// An attempt to connect to this address has failed.
    pub(crate) fn has_failed(&self, address: &str) -> bool {
        self.members.get(address).is_some_and(|member| member.has_failed)
    }

    fn rebase(&mut self, by: Duration) {
        for event in &mut self.events {
            event.at = event.at.saturating_sub(by);
        }
        for connected in self.connected.values_mut() {
            *connected = connected.saturating_sub(by);
        }
        // Who came before the beginning is not new.
        for member in self.members.values_mut() {
            member.joined = None;
        }
    }

    fn on_event(&mut self, at: Duration, event: &Event) {
        match event {
            Event::SubchannelState(change) => {
                let cause = change.cause.as_ref().map(|cause| &**cause.text());
                self.on_state(at, &change.address.to_string(), change.from, change.to, cause);
            }
            Event::GoAway(GoAway { connection, code, debug, .. }) => {
                self.tally.goaways += 1;
                let place = connection.address.to_string();
                // A connection that drains already ended when it left READY.
                if self.members.get(&place).is_some_and(|member| member.state == ConnectivityState::Ready) {
                    self.told.insert(place);
                }
                let reason = if debug.is_empty() { format!("code {code}") } else { debug.to_string() };
                self.note(at, format!("GOAWAY from {}: {reason}", connection.address));
            }
            Event::Suspected(Suspected { connection, cause, .. }) => {
                self.note(at, format!("{} may hang: {cause}", connection.address));
            }
            Event::Trusted(connection) => {
                self.note(at, format!("{} is alive, and gets calls again", connection.address));
            }
            Event::RefreshRequested(request) => {
                let why =
                    if request.urgent { "no endpoint is READY" } else { "a connection ended or failed" };
                self.note(at, format!("re-resolution requested: {why}"));
            }
            Event::Resolved(resolved) => {
                self.tally.lookups += 1;
                let addresses = |endpoint: &evenkeel::Endpoint| -> Vec<String> {
                    endpoint.addresses().iter().map(ToString::to_string).collect()
                };
                self.endpoints = resolved.endpoints.iter().map(addresses).collect();
                let listed = self.endpoints.iter().flatten().cloned().collect();
                self.on_list(at, listed);
            }
            Event::ResolutionFailed(ResolutionFailed { error, absent, .. }) => {
                self.tally.failed_lookups += 1;
                self.note(at, format!("not resolved: {error}"));
                // The channel drops what is not READY; the rest is on its way out.
                if *absent && self.is_known {
                    self.endpoints.clear();
                    self.on_list(at, BTreeSet::new());
                }
            }
            _ => {}
        }
    }

    fn on_list(&mut self, at: Duration, listed: BTreeSet<String>) {
        let is_first = !std::mem::replace(&mut self.is_known, true);
        let gone: Vec<String> = self
            .members
            .iter_mut()
            .filter(|(address, member)| member.is_listed && !listed.contains(*address))
            .map(|(address, member)| {
                member.is_listed = false;
                address.clone()
            })
            .collect();
        let come: Vec<String> = listed
            .into_iter()
            .filter(|address| !self.members.get(address).is_some_and(|member| member.is_listed))
            .collect();
        for address in &come {
            let state = self.members.get(address).map_or(ConnectivityState::Idle, |member| member.state);
            let joined = (!is_first).then_some(at);
            let has_failed = self.has_failed(address);
            self.members.insert(address.clone(), Member { state, is_listed: true, joined, has_failed });
        }
        // Addresses that neither the resolver nor a connection knows any more would pile up in a long run.
        self.members.retain(|_, member| member.is_listed || member.state != ConnectivityState::Idle);
        if is_first || !(come.is_empty() && gone.is_empty()) {
            self.note(at, changes(is_first, &come, &gone));
        }
        if !is_first {
            self.tally.joined += come.len() as u64;
            self.tally.left += gone.len() as u64;
        }
    }

    fn on_state(
        &mut self,
        at: Duration,
        address: &str,
        from: ConnectivityState,
        to: ConnectivityState,
        cause: Option<&str>,
    ) {
        let has_failed = to == ConnectivityState::TransientFailure;
        match self.members.get_mut(address) {
            Some(member) => {
                member.state = to;
                member.has_failed |= has_failed;
            }
            // A connection may outlive its place in the list.
            None if to != ConnectivityState::Shutdown => {
                let member = Member { state: to, is_listed: false, joined: None, has_failed };
                self.members.insert(address.to_owned(), member);
            }
            None => {}
        }
        if to == ConnectivityState::Ready {
            self.on_connected(at, address);
        }
        if to == ConnectivityState::Shutdown {
            match self.members.get_mut(address) {
                Some(member) if member.is_listed => member.state = ConnectivityState::Idle,
                _ => drop(self.members.remove(address)),
            }
        }
        let was_told = from == ConnectivityState::Ready && self.told.remove(address);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        match (from, to) {
            (_, ConnectivityState::Ready) => self.note(at, format!("{address} READY")),
            (_, ConnectivityState::TransientFailure) => {
                self.note(at, format!("{address} TRANSIENT_FAILURE{cause}"));
            }
            (ConnectivityState::Ready, ConnectivityState::Idle | ConnectivityState::Connecting)
                if !was_told =>
            {
                self.tally.lost += 1;
                self.note(at, format!("{address} lost{cause}"));
            }
            _ => {}
        }
    }

    fn on_connected(&mut self, at: Duration, address: &str) {
        self.connected.insert(address.to_owned(), at);
        if self.connected.len() > KEPT_CONNECTED {
            let oldest = self.connected.iter().min_by_key(|(_, at)| **at).map(|(address, _)| address.clone());
            oldest.map(|address| self.connected.remove(&address));
        }
    }

    /// What a peer says must not reach the terminal as it is: it could move the cursor.
    fn note(&mut self, at: Duration, text: String) {
        let text = printable(&text);
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(Happened { at, text });
    }
}

fn changes(is_first: bool, come: &[String], gone: &[String]) -> String {
    if is_first {
        let noun = if come.len() == 1 { "address" } else { "addresses" };
        return format!("resolved: {} {noun}", come.len());
    }
    let signed = |sign: &'static str| move |address: &String| format!("{sign}{address}");
    let all: Vec<_> = come.iter().map(signed("+")).chain(gone.iter().map(signed("-"))).collect();
    format!("resolved: {}", all.join(" "))
}

#[cfg(test)]
mod tests;

//! What happens to a load's channel meanwhile: which pods come and go, what their connections do, and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::{ConnectivityState, Event, Observer};

use crate::text::printable;

/// How many of the last events are kept: more than any screen shows.
const KEPT: usize = 64;

/// Listens to a channel's events.
#[derive(Debug)]
pub(crate) struct Watch {
    start: Instant,
    seen: Mutex<Seen>,
}

/// What has been seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// By the address that a subchannel connects to.
    pub(crate) members: BTreeMap<String, Member>,
    /// The last events, the oldest first.
    pub(crate) events: VecDeque<Happened>,
    pub(crate) tally: Tally,
    /// There was a first list: what comes after it is a change.
    pub(crate) is_known: bool,
    /// Addresses whose GOAWAY has been told: that their connection then ends is no news.
    pub(crate) told: BTreeSet<String>,
}

/// One address that the resolver named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) state: ConnectivityState,
    /// The resolver still names it.
    pub(crate) is_listed: bool,
    /// When it came after the load had begun with others.
    pub(crate) joined: Option<Duration>,
}

/// One event, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// Since the load's start.
    pub(crate) at: Duration,
    pub(crate) text: String,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) goaways: u64,
    pub(crate) lookups: u64,
    pub(crate) failed_lookups: u64,
    pub(crate) joined: u64,
    pub(crate) left: u64,
    pub(crate) lost: u64,
}

impl Watch {
    /// Times count from `start`.
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, seen: Mutex::default() }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn on_event(&self, event: &Event) {
        self.lock().on_event(self.start.elapsed(), event);
    }
}

impl Seen {
    fn on_event(&mut self, at: Duration, event: &Event) {
        match event {
            Event::SubchannelState { address, from, to, cause } => {
                self.on_state(at, &address.to_string(), *from, *to, cause.as_deref());
            }
            Event::GoAway { address, code, debug } => {
                self.tally.goaways += 1;
                let place = address.to_string();
                // A connection that drains already ended when it left READY.
                if self.members.get(&place).is_some_and(|member| member.state == ConnectivityState::Ready) {
                    self.told.insert(place);
                }
                let reason = if debug.is_empty() { format!("code {code}") } else { debug.to_string() };
                self.note(at, format!("GOAWAY from {address}: {reason}"));
            }
            Event::RefreshRequested { urgent } => {
                let why = if *urgent { "no endpoint is READY" } else { "a connection ended or failed" };
                self.note(at, format!("re-resolution requested: {why}"));
            }
            Event::Resolved { endpoints, .. } => {
                self.tally.lookups += 1;
                let addresses = endpoints.iter().flat_map(|endpoint| endpoint.addresses());
                self.on_list(at, addresses.map(ToString::to_string).collect());
            }
            Event::ResolutionFailed { error, absent, .. } => {
                self.tally.failed_lookups += 1;
                self.note(at, format!("not resolved: {error}"));
                // The channel drops what is not READY; the rest is on its way out.
                if *absent && self.is_known {
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
            self.members.insert(address.clone(), Member { state, is_listed: true, joined });
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
        match self.members.get_mut(address) {
            Some(member) => member.state = to,
            // A connection may outlive its place in the list.
            None if to != ConnectivityState::Shutdown => {
                self.members.insert(address.to_owned(), Member { state: to, is_listed: false, joined: None });
            }
            None => {}
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

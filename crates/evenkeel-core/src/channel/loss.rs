//! What follows when a channel that was READY has lost its last endpoint.
//!
//! When all pods of a Service are replaced at once, DNS follows a moment later: the lookup at the loss still brings the
//! old list, or none, and everything on it refuses. Calls that failed then would fail for want of a second's patience.

use std::collections::HashSet;
use std::time::Duration;

use crate::endpoint::{Address, Endpoint, EndpointKey};
use crate::time::Time;

/// From the loss to the first lookup, and from each lookup's answer to the next one; the last of them from then on.
const LOOKUPS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_secs(1),
];

/// The time in which calls wait for the endpoints that take the place of those that were lost.
#[derive(Debug)]
pub(super) struct Loss {
    until: Time,
    /// The list that was lost.
    before: HashSet<EndpointKey>,
    /// Addresses that were tried in vain since.
    failed: HashSet<Address>,
    /// How many answers have come.
    answers: usize,
    /// When to ask the resolver; `None` while it owes an answer.
    ask_at: Option<Time>,
}

impl Loss {
    /// `before`: the list that was lost. `grace`: how long calls wait at most.
    pub(super) fn new(now: Time, grace: Duration, before: HashSet<EndpointKey>) -> Self {
        Self {
            until: now + grace,
            before,
            failed: HashSet::new(),
            answers: 0,
            ask_at: Some(now + LOOKUPS.first().copied().unwrap_or_default()),
        }
    }

    /// The resolver has said something, whatever it was.
    pub(super) fn on_answer(&mut self, now: Time) {
        self.answers += 1;
        let pause = LOOKUPS.get(self.answers).or(LOOKUPS.last()).copied().unwrap_or_default();
        self.ask_at = Some(now + pause);
    }

    /// An attempt at this address has failed.
    pub(super) fn on_attempt_failed(&mut self, address: Address) {
        self.failed.insert(address);
    }

    /// Whether it is time to ask the resolver; until it answers, it is not again.
    pub(super) fn asks(&mut self, now: Time) -> bool {
        self.ask_at.take_if(|at| *at <= now).is_some()
    }

    /// Whether it is over, with this list: its time has passed, or there are new endpoints and none is of use. What is
    /// left of the old list says nothing.
    pub(super) fn is_over(&self, now: Time, list: &[Endpoint]) -> bool {
        let has_failed =
            |endpoint: &Endpoint| endpoint.addresses().iter().all(|address| self.failed.contains(address));
        self.until <= now
            || (list.iter().any(|endpoint| !self.before.contains(&endpoint.key()))
                && list.iter().all(has_failed))
    }

    pub(super) fn next_wakeup(&self) -> Time {
        self.ask_at.map_or(self.until, |at| at.min(self.until))
    }
}

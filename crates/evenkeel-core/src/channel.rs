//! One channel's decisions: the only file that knows resolution, balancing and connecting at once.
//!
//! Events come in (`on_…`), actions and at most one picker per batch go out ([`Channel::take_actions`],
//! [`Channel::take_publication`]). Whoever drives it owns the sockets and the clock.

mod links;

pub use links::{Action, AttemptId, Settings};

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::balance::{Controller, GracefulSwitch, Policy, PolicyConfig, Published, SubchannelId};
use crate::connect::Event;
use crate::endpoint::{Endpoint, EndpointKey};
use crate::random::Random;
use crate::time::Time;
use links::Links;

/// A channel that has left IDLE: its policy, its subchannels, and what it knows about its backends.
pub struct Channel {
    policy: GracefulSwitch,
    links: Links,
    known: Vec<Endpoint>,
    /// The name has no backend now: endpoints stay only as long as their connection is READY.
    absent: Option<Arc<str>>,
}

/// How an answer changed the list of endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Endpoints that were not in the list before.
    pub added: usize,
    /// Endpoints that are not in the list any more.
    pub removed: usize,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("policy", &self.policy)
            .field("known", &self.known)
            .field("absent", &self.absent)
            .finish_non_exhaustive()
    }
}

impl Channel {
    /// A channel without endpoints yet.
    pub fn new(policy: &dyn PolicyConfig, settings: Settings, random: Box<dyn Random + Send>) -> Self {
        Self {
            policy: GracefulSwitch::new(policy),
            links: Links::new(settings, random),
            known: Vec::new(),
            absent: None,
        }
    }

    /// The load-balancing policy should be this one. Another one than before takes over as soon as it can serve.
    pub fn on_policy(&mut self, now: Time, policy: &dyn PolicyConfig) {
        self.links.set_now(now);
        if self.policy.switch_to(policy, &mut self.links) {
            if !self.known.is_empty() || self.absent.is_some() {
                self.policy.on_endpoints(&self.known, &mut self.links);
            }
            self.tell_absence();
        }
        self.settle();
    }

    /// A call waits for a channel whose state is IDLE, or the program wants it to connect.
    pub fn exit_idle(&mut self, now: Time) {
        self.links.set_now(now);
        self.policy.exit_idle(&mut self.links);
        self.settle();
    }

    /// The resolver found these backends. An empty list means the name has none.
    ///
    /// A list that is the same as the one before is not passed on: nothing changed.
    pub fn on_endpoints(&mut self, now: Time, endpoints: Vec<Endpoint>) -> Difference {
        if endpoints.is_empty() {
            return self.on_absent(now, "name resolution found no endpoints".into());
        }
        self.links.set_now(now);
        let was_absent = self.absent.take().is_some();
        let difference = difference(&self.known, &endpoints);
        if was_absent || self.known != endpoints {
            self.policy.on_endpoints(&endpoints, &mut self.links);
        }
        self.known = endpoints;
        self.settle();
        difference
    }

    /// The resolver found that the name has no backend now.
    ///
    /// READY endpoints stay until their connection ends: a cluster's DNS says the same of a Service whose pods are all
    /// restarting and of one that was deleted.
    pub fn on_absent(&mut self, now: Time, reason: Arc<str>) -> Difference {
        self.links.set_now(now);
        let before = std::mem::take(&mut self.known);
        self.absent = Some(reason);
        self.keep_only_ready(before)
    }

    /// The resolver could not learn anything: what is known stays in use.
    pub fn on_resolver_failure(&mut self, now: Time, error: &Arc<str>) {
        self.links.set_now(now);
        self.policy.on_resolver_error(error, &mut self.links);
        self.settle();
    }

    /// An attempt succeeded: the server's SETTINGS arrived. Returns whether the connection is still wanted.
    pub fn on_connected(&mut self, now: Time, id: SubchannelId, attempt: AttemptId) -> bool {
        self.links.set_now(now);
        let wanted = self.links.feed_attempt(id, attempt, Event::Connected, None);
        self.settle();
        wanted
    }

    /// An attempt failed.
    pub fn on_attempt_failed(&mut self, now: Time, id: SubchannelId, attempt: AttemptId, cause: Arc<str>) {
        self.links.set_now(now);
        self.links.feed_attempt(id, attempt, Event::AttemptFailed, Some(cause));
        self.settle();
    }

    /// A connection takes no new streams: it was lost, or its server said GOAWAY.
    pub fn on_connection_ended(
        &mut self,
        now: Time,
        id: SubchannelId,
        attempt: AttemptId,
        served: bool,
        cause: Arc<str>,
    ) {
        self.links.set_now(now);
        self.links.feed_attempt(id, attempt, Event::ConnectionEnded { served }, Some(cause));
        self.settle();
        if self.absent.is_some() {
            let known = std::mem::take(&mut self.known);
            self.keep_only_ready(known);
        }
    }

    /// The time that [`Channel::next_wakeup`] named has come.
    pub fn on_wakeup(&mut self, now: Time) {
        self.links.set_now(now);
        self.links.fire_timers();
        // The policy hears of the backoffs that have ended before it looks at its own timers.
        self.settle();
        if self.policy.next_wakeup().is_some_and(|due| due <= now) {
            self.policy.on_wakeup(&mut self.links);
        }
        self.settle();
    }

    /// When [`Channel::on_wakeup`] should be called next.
    pub fn next_wakeup(&self) -> Option<Time> {
        [self.links.next_timer(), self.policy.next_wakeup()].into_iter().flatten().min()
    }

    /// What is to be done, in order, since the last time.
    pub fn take_actions(&mut self) -> Vec<Action> {
        self.links.take_actions()
    }

    /// The channel's state and its picker, if they changed since the last time. Call it when no event is waiting.
    pub fn take_publication(&mut self) -> Option<Published> {
        self.policy.take_published(self.links.random())
    }

    /// Whether any subchannel is READY.
    pub fn is_any_ready(&self) -> bool {
        self.links.is_any_ready()
    }

    /// How many endpoints the channel knows.
    pub fn endpoint_count(&self) -> usize {
        self.known.len()
    }

    fn keep_only_ready(&mut self, before: Vec<Endpoint>) -> Difference {
        let count = before.len();
        let known: Vec<Endpoint> =
            before.into_iter().filter(|endpoint| self.links.is_endpoint_ready(endpoint)).collect();
        let difference = Difference { added: 0, removed: count - known.len() };
        if known.len() != count || known.is_empty() {
            self.policy.on_endpoints(&known, &mut self.links);
        }
        self.known = known;
        self.tell_absence();
        self.settle();
        difference
    }

    fn tell_absence(&mut self) {
        if self.known.is_empty()
            && let Some(reason) = &self.absent
        {
            self.policy.on_resolver_error(reason, &mut self.links);
        }
    }

    /// Tells the policy what its own requests led to, until nothing moves any more.
    fn settle(&mut self) {
        while let Some(update) = self.links.next_update() {
            self.policy.on_subchannel_state(&update, &mut self.links);
        }
    }
}

fn difference(before: &[Endpoint], after: &[Endpoint]) -> Difference {
    let old: HashSet<EndpointKey> = before.iter().map(Endpoint::key).collect();
    let new: HashSet<EndpointKey> = after.iter().map(Endpoint::key).collect();
    Difference { added: new.difference(&old).count(), removed: old.difference(&new).count() }
}

#[cfg(test)]
mod tests;

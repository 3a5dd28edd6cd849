//! One channel's decisions: the only file that knows resolution, balancing and connecting at once.
//!
//! Events come in (`on_…`), actions and at most one picker per batch go out ([`Channel::take_actions`],
//! [`Channel::take_publication`]). Whoever drives it owns the sockets and the clock.

mod dials;
mod links;
mod loss;
mod suspects;

pub use links::{Action, AttemptId, Settings};

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::balance::{Controller, GracefulSwitch, Policy, PolicyConfig, Published, SubchannelId, WakeToken};
use crate::cause::Cause;
use crate::connect::Event;
use crate::endpoint::{Endpoint, EndpointKey};
use crate::random::Random;
use crate::state::ConnectivityState;
use crate::time::Time;
use links::Links;
use loss::Loss;

/// A channel that has left IDLE: its policy, its subchannels, and what it knows about its backends.
pub struct Channel {
    policy: GracefulSwitch,
    links: Links,
    known: Arc<[Endpoint]>,
    /// The name has no backend now: endpoints stay only as long as their connection is READY.
    absent: Option<Arc<str>>,
    /// Endpoints that are in the list no more, and since when.
    gone: Vec<(Time, EndpointKey)>,
    /// Something is READY.
    is_ready: bool,
    grace_after_loss: Duration,
    loss: Option<Loss>,
    /// What the policy has published while calls wait.
    withheld: Option<Published>,
}

/// So long an endpoint that has left the list counts as an old one, should it come back: DNS servers do not all learn of
/// a change at once.
const REMEMBERED_AS_GONE: Duration = Duration::from_secs(30);

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
            grace_after_loss: settings.grace_after_loss,
            links: Links::new(settings, random),
            known: Arc::default(),
            absent: None,
            gone: Vec::new(),
            is_ready: false,
            loss: None,
            withheld: None,
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

    /// A call waits because the picker wants the policy to do something.
    pub fn on_wake(&mut self, now: Time, token: WakeToken) {
        self.links.set_now(now);
        self.policy.on_wake(token, &mut self.links);
        self.settle();
    }

    /// The resolver found these backends. An empty list means the name has none.
    ///
    /// A list that is the same as the one before is not passed on: nothing changed.
    pub fn on_endpoints(&mut self, now: Time, endpoints: Arc<[Endpoint]>) -> Difference {
        if endpoints.is_empty() {
            return self.on_absent(now, "name resolution found no endpoints".into());
        }
        self.links.set_now(now);
        let was_absent = self.absent.take().is_some();
        // A long list that is the same costs a comparison, and nothing else.
        let is_same = self.known == endpoints;
        let difference = if is_same { Difference::default() } else { self.difference(&endpoints) };
        if was_absent || !is_same {
            self.policy.on_endpoints(&endpoints, &mut self.links);
        }
        self.known = endpoints;
        self.on_answer();
        difference
    }

    /// The resolver found that the name has no backend now.
    ///
    /// READY endpoints stay until their connection ends: a cluster's DNS says the same of a Service whose pods are all
    /// restarting and of one that was deleted. When the last one is lost they are tried on, as long as calls wait.
    pub fn on_absent(&mut self, now: Time, reason: Arc<str>) -> Difference {
        self.links.set_now(now);
        self.absent = Some(reason);
        let difference = if self.loss.is_some() { Difference::default() } else { self.keep_only_ready() };
        self.on_answer();
        difference
    }

    /// The resolver could not learn anything: what is known stays in use.
    pub fn on_resolver_failure(&mut self, now: Time, error: &Arc<str>) {
        self.links.set_now(now);
        self.policy.on_resolver_error(error, &mut self.links);
        self.on_answer();
    }

    /// An attempt succeeded: the server's SETTINGS arrived. Returns whether the connection is still wanted.
    pub fn on_connected(&mut self, now: Time, id: SubchannelId, attempt: AttemptId) -> bool {
        self.links.set_now(now);
        let wanted = self.links.feed_attempt(id, attempt, Event::Connected, None);
        self.settle();
        wanted
    }

    /// An attempt failed.
    pub fn on_attempt_failed(&mut self, now: Time, id: SubchannelId, attempt: AttemptId, cause: Cause) {
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
        cause: Cause,
    ) {
        self.links.set_now(now);
        if !self.links.on_aside_ended(id, attempt) {
            self.links.feed_attempt(id, attempt, Event::ConnectionEnded { served }, Some(cause));
        }
        self.settle();
        if self.absent.is_some() && self.loss.is_none() {
            self.keep_only_ready();
        }
    }

    /// The server of a connection may hang: new calls go elsewhere, if there is anybody else.
    pub fn on_suspected(
        &mut self,
        now: Time,
        id: SubchannelId,
        attempt: AttemptId,
        served: bool,
        cause: Cause,
    ) {
        self.links.set_now(now);
        self.links.on_suspected(id, attempt, served, cause);
        self.settle();
    }

    /// A suspect has proven to be alive.
    pub fn on_trusted(&mut self, now: Time, id: SubchannelId, attempt: AttemptId) {
        self.links.set_now(now);
        self.links.on_trusted(id, attempt);
        self.settle();
    }

    /// Nobody wants the channel any more: every subchannel is given up.
    pub fn shut_down(&mut self, now: Time) {
        self.links.set_now(now);
        self.links.remove_all();
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
        if self.loss.as_mut().is_some_and(|loss| loss.asks(now)) {
            self.links.request_resolution_at_once();
        }
    }

    /// When [`Channel::on_wakeup`] should be called next.
    pub fn next_wakeup(&self) -> Option<Time> {
        let loss = self.loss.as_ref().map(Loss::next_wakeup);
        [self.links.next_timer(), self.policy.next_wakeup(), loss].into_iter().flatten().min()
    }

    /// What is to be done, in order, since the last time.
    pub fn take_actions(&mut self) -> Vec<Action> {
        self.links.take_actions()
    }

    /// The channel's state and its picker, if they changed since the last time. Call it when no event is waiting.
    pub fn take_publication(&mut self) -> Option<Published> {
        let news = self.policy.take_published(self.links.random());
        if self.loss.is_none() {
            let withheld = self.withheld.take();
            return news.or(withheld);
        }
        let news = news?;
        if news.state != ConnectivityState::TransientFailure {
            self.withheld = None;
            return Some(news);
        }
        let failure = news.failure.clone();
        self.withheld = Some(news);
        Some(Published { failure, ..Published::waiting(ConnectivityState::Connecting) })
    }

    fn keep_only_ready(&mut self) -> Difference {
        let ready = self.known.iter().filter(|endpoint| self.links.is_endpoint_ready(endpoint));
        let ready: Arc<[Endpoint]> = ready.cloned().collect();
        let difference = self.difference(&ready);
        if ready.len() != self.known.len() || ready.is_empty() {
            self.policy.on_endpoints(&ready, &mut self.links);
        }
        self.known = ready;
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

    /// How the list changes; what leaves it is remembered for a while.
    fn difference(&mut self, after: &[Endpoint]) -> Difference {
        let now = self.links.now();
        let old: HashSet<EndpointKey> = self.known.iter().map(Endpoint::key).collect();
        let new: HashSet<EndpointKey> = after.iter().map(Endpoint::key).collect();
        let before = self.gone.len();
        self.gone.extend(old.difference(&new).map(|key| (now, key.clone())));
        let removed = self.gone.len() - before;
        self.gone.retain(|(since, _)| now.since(*since) < REMEMBERED_AS_GONE);
        Difference { added: new.difference(&old).count(), removed }
    }

    /// The resolver has said something.
    fn on_answer(&mut self) {
        let now = self.links.now();
        if let Some(loss) = &mut self.loss {
            loss.on_answer(now);
        }
        self.settle();
    }

    /// Tells the policy what its own requests led to, until nothing moves any more.
    fn settle(&mut self) {
        loop {
            self.tell_updates();
            let has_spare = self.known.len() > self.links.len();
            if !self.links.review_suspects(has_spare) {
                break;
            }
        }
        self.look_at_loss();
    }

    fn tell_updates(&mut self) {
        while let Some(update) = self.links.next_update() {
            if update.to == ConnectivityState::TransientFailure
                && let Some(loss) = &mut self.loss
                && let Some(address) = self.links.address(update.id)
            {
                loss.on_attempt_failed(address.clone());
            }
            self.policy.on_subchannel_state(&update, &mut self.links);
        }
    }

    /// Begins and ends the time in which calls wait after a loss.
    fn look_at_loss(&mut self) {
        let (now, was_ready) = (self.links.now(), self.is_ready);
        self.is_ready = self.links.is_any_ready();
        if was_ready && !self.is_ready && !self.grace_after_loss.is_zero() {
            let before = self.known.iter().map(Endpoint::key);
            let gone = self.gone.iter().map(|(_, key)| key.clone());
            self.loss = Some(Loss::new(now, self.grace_after_loss, before.chain(gone).collect()));
        }
        let is_over = self.loss.as_ref().is_some_and(|loss| self.is_ready || loss.is_over(now, &self.known));
        if is_over {
            self.loss = None;
            if self.absent.is_some() {
                self.keep_only_ready();
            }
        }
    }
}

#[cfg(test)]
mod tests;

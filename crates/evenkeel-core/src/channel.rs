//! One channel's decisions: the only file that knows resolution, balancing and connecting at once.
//!
//! Events come in (`on_…`), actions and at most one picker per batch go out ([`ChannelCore::take_actions`],
//! [`ChannelCore::take_publication`]). Whoever drives it owns the sockets and the clock.

mod action;
mod dials;
mod heard;
mod loss;
mod suspects;
mod table;

pub use action::{Action, AttemptId, Settings};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::balance::{
    Controller as _, GracefulSwitch, Policy, PolicyConfig, Published, Rejected, SubchannelId, WakeToken,
    noted,
};
use crate::cause::Cause;
use crate::connect::Event;
use crate::random::Random;
use crate::state::ConnectivityState;
use crate::time::Time;
use crate::update::{Absence, Update};
use heard::Heard;
use loss::Loss;
use table::Table;

/// A channel that has left IDLE: its policy, its subchannels, and what it knows about its backends.
pub struct ChannelCore {
    policy: GracefulSwitch,
    config: Arc<dyn PolicyConfig>,
    table: Table,
    heard: Heard,
    /// Something is READY.
    is_ready: bool,
    grace_after_loss: Duration,
    loss: Option<Loss>,
    /// What the policy has published while calls wait.
    withheld: Option<Published>,
}

/// What failures say of a name behind which there is nothing, when the resolver does not say more.
const NO_ENDPOINTS: &str = "name resolution found no endpoints";

/// How an answer changed the list of endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Endpoints that were not in the list before.
    pub added: usize,
    /// Endpoints that are not in the list any more.
    pub removed: usize,
}

impl fmt::Debug for ChannelCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelCore")
            .field("policy", &self.policy)
            .field("heard", &self.heard)
            .finish_non_exhaustive()
    }
}

impl ChannelCore {
    /// A channel without endpoints yet.
    pub fn new(config: Arc<dyn PolicyConfig>, settings: Settings, random: Box<dyn Random + Send>) -> Self {
        Self {
            policy: GracefulSwitch::new(config.as_ref()),
            config,
            grace_after_loss: settings.grace_after_loss,
            table: Table::new(settings, random),
            heard: Heard::default(),
            is_ready: false,
            loss: None,
            withheld: None,
        }
    }

    /// The load-balancing policy should be this one. Another one than before takes over as soon as it can serve.
    ///
    /// # Errors
    /// When the policy cannot go by what the resolver has said.
    pub fn on_policy(&mut self, now: Time, config: Arc<dyn PolicyConfig>) -> Result<(), Rejected> {
        self.table.set_now(now);
        self.policy.switch_to(config.as_ref(), &mut self.table);
        self.config = config;
        let result = self.heard.tell_again(&mut self.policy, self.config.as_ref(), &mut self.table);
        self.settle();
        result
    }

    /// A call waits for a channel whose state is IDLE, or the program wants it to connect.
    pub fn exit_idle(&mut self, now: Time) {
        self.table.set_now(now);
        self.policy.exit_idle(&mut self.table);
        self.settle();
    }

    /// A call waits because the picker wants the policy to do something.
    pub fn on_wake(&mut self, now: Time, token: WakeToken) {
        self.table.set_now(now);
        self.policy.on_wake(token, &mut self.table);
        self.settle();
    }

    /// The resolver has said something; returns how the list of endpoints changed.
    ///
    /// What is the same as before is not passed on: nothing changed. While calls wait after a loss, an update without
    /// endpoints that keeps those that are READY leaves the old ones in use: they are tried on.
    ///
    /// # Errors
    /// When the policy cannot go by it.
    pub fn on_update(&mut self, now: Time, update: Update) -> Result<Difference, Rejected> {
        self.table.set_now(now);
        let result = match update.endpoints {
            Err(failed @ Absence::Failed(_)) => {
                self.policy.on_resolver_error(&failed.to_string().into(), &mut self.table);
                Ok(Difference::default())
            }
            Err(Absence::Absent(reason)) => {
                let note = noted(&reason, update.note.as_ref());
                self.heard.on_list(Arc::default(), update.unlisted, update.attributes, Some(note));
                self.tell_policy()
            }
            Ok(list) => {
                let note = update.note.or_else(|| list.is_empty().then(|| NO_ENDPOINTS.into()));
                self.heard.on_list(list, update.unlisted, update.attributes, note);
                self.tell_policy()
            }
        };
        if let Some(loss) = &mut self.loss {
            loss.on_answer(now);
        }
        self.settle();
        result
    }

    /// An attempt succeeded: the server's SETTINGS arrived. Returns whether the connection is still wanted.
    pub fn on_connected(&mut self, now: Time, id: SubchannelId, attempt: AttemptId) -> bool {
        self.table.set_now(now);
        let wanted = self.table.feed_attempt(id, attempt, Event::Connected, None);
        self.settle();
        wanted
    }

    /// An attempt failed.
    pub fn on_attempt_failed(&mut self, now: Time, id: SubchannelId, attempt: AttemptId, cause: Cause) {
        self.table.set_now(now);
        self.table.feed_attempt(id, attempt, Event::AttemptFailed, Some(cause));
        self.settle();
    }

    /// A connection takes no new streams: it was lost, or its server said GOAWAY.
    pub fn on_retired(
        &mut self,
        now: Time,
        id: SubchannelId,
        attempt: AttemptId,
        served: bool,
        cause: Cause,
    ) {
        self.table.set_now(now);
        if !self.table.on_aside_ended(id, attempt) {
            self.table.feed_attempt(id, attempt, Event::Retired { served }, Some(cause));
        }
        self.settle();
        self.let_unlisted_go();
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
        self.table.set_now(now);
        self.table.on_suspected(id, attempt, served, cause);
        self.settle();
    }

    /// A suspect has proven to be alive.
    pub fn on_trusted(&mut self, now: Time, id: SubchannelId, attempt: AttemptId) {
        self.table.set_now(now);
        self.table.on_trusted(id, attempt);
        self.settle();
    }

    /// Nobody wants the channel any more: every subchannel is given up.
    pub fn shut_down(&mut self, now: Time) {
        self.table.set_now(now);
        self.table.remove_all();
    }

    /// The time that [`ChannelCore::next_wakeup`] named has come.
    pub fn on_wakeup(&mut self, now: Time) {
        self.table.set_now(now);
        self.table.fire_timers();
        // The policy hears of the backoffs that have ended before it looks at its own timers.
        self.settle();
        if self.policy.next_wakeup().is_some_and(|due| due <= now) {
            self.policy.on_wakeup(&mut self.table);
        }
        self.settle();
        if self.loss.as_mut().is_some_and(|loss| loss.asks(now)) {
            self.table.request_resolution_at_once();
        }
    }

    /// When [`ChannelCore::on_wakeup`] should be called next.
    pub fn next_wakeup(&self) -> Option<Time> {
        let loss = self.loss.as_ref().map(Loss::next_wakeup);
        [self.table.next_timer(), self.policy.next_wakeup(), loss].into_iter().flatten().min()
    }

    /// What is to be done, in order, since the last time.
    pub fn take_actions(&mut self) -> Vec<Action> {
        self.table.take_actions()
    }

    /// The channel's state and its picker, if they changed since the last time. Call it when no event is waiting.
    pub fn take_publication(&mut self) -> Option<Published> {
        let news = self.table.take_changed().then(|| self.policy.snapshot(self.table.random()));
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

    /// Tells the policy what has been heard, as far as it does not know it.
    fn tell_policy(&mut self) -> Result<Difference, Rejected> {
        if self.loss.is_some() && self.heard.is_empty_for_now() {
            return Ok(Difference::default());
        }
        self.heard.tell(&mut self.policy, self.config.as_ref(), &mut self.table)
    }

    /// Endpoints that are not named any more stay as long as they are READY, and no longer.
    fn let_unlisted_go(&mut self) {
        if self.loss.is_none() && self.heard.is_ahead() {
            // There is nobody to be told that the policy rejects what it had accepted.
            let _ = self.tell_policy();
            self.settle();
        }
    }

    /// Tells the policy what its own requests led to, until nothing moves any more.
    fn settle(&mut self) {
        loop {
            self.tell_updates();
            let has_spare = self.heard.told().len() > self.table.len();
            if !self.table.review_suspects(has_spare) {
                break;
            }
        }
        self.look_at_loss();
    }

    fn tell_updates(&mut self) {
        while let Some(update) = self.table.next_update() {
            if update.to == ConnectivityState::TransientFailure
                && let Some(loss) = &mut self.loss
                && let Some(address) = self.table.address(update.id)
            {
                loss.on_attempt_failed(address.clone());
            }
            self.policy.on_subchannel_state(&update, &mut self.table);
        }
    }

    /// Begins and ends the time in which calls wait after a loss.
    fn look_at_loss(&mut self) {
        let (now, was_ready) = (self.table.now(), self.is_ready);
        self.is_ready = self.table.is_any_ready();
        if was_ready && !self.is_ready && !self.grace_after_loss.is_zero() {
            self.loss = Some(Loss::new(now, self.grace_after_loss, self.heard.told_and_gone()));
        }
        let is_over =
            self.loss.as_ref().is_some_and(|loss| self.is_ready || loss.is_over(now, self.heard.told()));
        if is_over {
            self.loss = None;
            self.let_unlisted_go();
        }
    }
}

#[cfg(test)]
mod tests;

//! From one policy to another without a moment in which calls have nowhere to go.

use std::sync::Arc;

use super::owners::{Owners, Scoped};
use super::{
    Controller, Policy, PolicyConfig, PolicyUpdate, Published, Random, Rejected, SubchannelUpdate, WakeToken,
};
use crate::state::ConnectivityState;
use crate::time::Time;

/// Runs one policy and, while another is to take its place, both (gRPC client channel, policy changes).
///
/// The new policy is built beside the old one, which serves until the new one has left CONNECTING or the old one is
/// not READY. The new one alone is told of endpoints from then on.
#[derive(Debug)]
pub struct GracefulSwitch {
    current: Side,
    pending: Option<Side>,
    owners: Owners,
    next_owner: u32,
}

#[derive(Debug)]
struct Side {
    name: Box<str>,
    owner: u32,
    policy: Box<dyn Policy>,
}

impl GracefulSwitch {
    /// Starts with the policy that `config` describes.
    pub fn new(config: &dyn PolicyConfig) -> Self {
        Self { current: Side::new(config, 0), pending: None, owners: Owners::default(), next_owner: 1 }
    }

    /// The policy should be the one that `config` describes. One that has to be built is yet to be told of the
    /// endpoints; one of the same name gets the new settings with its next update.
    pub fn switch_to(&mut self, config: &dyn PolicyConfig, controller: &mut dyn Controller) {
        if *self.newest().name == *config.name() {
            return;
        }
        let side = Side::new(config, self.next_owner);
        self.next_owner += 1;
        if let Some(given_up) = self.pending.replace(side) {
            self.close(&given_up, controller);
        }
        self.swap_if_due(controller);
    }

    fn newest(&self) -> &Side {
        self.pending.as_ref().unwrap_or(&self.current)
    }

    fn with_newest<R>(
        &mut self,
        controller: &mut dyn Controller,
        act: impl FnOnce(&mut dyn Policy, &mut dyn Controller) -> R,
    ) -> R {
        let (owners, is_current) = (&mut self.owners, self.pending.is_none());
        let side = self.pending.as_mut().unwrap_or(&mut self.current);
        let result = side.act(is_current, owners, controller, act);
        self.swap_if_due(controller);
        result
    }

    /// Has the current policy act, which calls go by.
    fn with_current(
        &mut self,
        controller: &mut dyn Controller,
        act: impl FnOnce(&mut dyn Policy, &mut dyn Controller),
    ) {
        self.current.act(true, &mut self.owners, controller, act);
        self.swap_if_due(controller);
    }

    fn swap_if_due(&mut self, controller: &mut dyn Controller) {
        let due = self.pending.take_if(|pending| {
            self.current.policy.state() != ConnectivityState::Ready
                || pending.policy.state() != ConnectivityState::Connecting
        });
        if let Some(pending) = due {
            let old = std::mem::replace(&mut self.current, pending);
            self.close(&old, controller);
            controller.mark_changed();
        }
    }

    /// Gives up all that a policy made, whatever the policy itself still knows of it.
    fn close(&mut self, side: &Side, controller: &mut dyn Controller) {
        for id in self.owners.subchannels(side.owner) {
            Scoped::new(side.owner, &mut self.owners, &mut *controller).remove_subchannel(id);
        }
    }
}

impl Side {
    fn new(config: &dyn PolicyConfig, owner: u32) -> Self {
        Self { name: config.name().into(), owner, policy: config.build() }
    }

    fn act<R>(
        &mut self,
        is_current: bool,
        owners: &mut Owners,
        controller: &mut dyn Controller,
        act: impl FnOnce(&mut dyn Policy, &mut dyn Controller) -> R,
    ) -> R {
        let mut scoped = Scoped::new(self.owner, owners, &mut *controller);
        let result = act(self.policy.as_mut(), &mut scoped);
        if scoped.is_changed() && is_current {
            controller.mark_changed();
        }
        result
    }
}

impl Policy for GracefulSwitch {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        self.switch_to(update.config, controller);
        self.with_newest(controller, |policy, controller| policy.on_update(update, controller))
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller) {
        self.with_newest(controller, |policy, controller| policy.on_resolver_error(error, controller));
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        match self.owners.of(update.id) {
            Some(owner) if owner == self.current.owner => {
                self.with_current(controller, |policy, controller| {
                    policy.on_subchannel_state(update, controller);
                });
            }
            Some(_) => {
                self.with_newest(controller, |policy, controller| {
                    policy.on_subchannel_state(update, controller);
                });
            }
            None => {}
        }
    }

    fn exit_idle(&mut self, controller: &mut dyn Controller) {
        self.with_newest(controller, |policy, controller| policy.exit_idle(controller));
    }

    fn on_wake(&mut self, token: WakeToken, controller: &mut dyn Controller) {
        // Calls go by the pickers of the current policy.
        self.with_current(controller, |policy, controller| policy.on_wake(token, controller));
    }

    fn next_wakeup(&self) -> Option<Time> {
        let pending = self.pending.as_ref().and_then(|side| side.policy.next_wakeup());
        [self.current.policy.next_wakeup(), pending].into_iter().flatten().min()
    }

    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        let now = controller.now();
        let is_due = |side: &Side| side.policy.next_wakeup().is_some_and(|due| due <= now);
        if is_due(&self.current) {
            self.with_current(controller, |policy, controller| policy.on_wakeup(controller));
        }
        if self.pending.as_ref().is_some_and(is_due) {
            self.with_newest(controller, |policy, controller| policy.on_wakeup(controller));
        }
    }

    fn state(&self) -> ConnectivityState {
        self.current.policy.state()
    }

    fn snapshot(&self, random: &mut dyn Random) -> Published {
        self.current.policy.snapshot(random)
    }
}

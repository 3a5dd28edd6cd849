//! From one policy to another without a moment in which calls have nowhere to go.

use std::sync::Arc;

use super::owners::{Owners, Scoped};
use super::{Controller, Policy, PolicyConfig, Published, Random, SubchannelUpdate, WakeToken};
use crate::endpoint::Endpoint;
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

    /// The policy should be the one that `config` describes; returns whether it had to be built.
    ///
    /// One of the same name just gets the new settings. One that was built is yet to be told of the endpoints.
    pub fn switch_to(&mut self, config: &dyn PolicyConfig, controller: &mut dyn Controller) -> bool {
        if *self.newest().name == *config.name() {
            self.with_newest(controller, |policy, controller| policy.on_config(config, controller));
            return false;
        }
        let side = Side::new(config, self.next_owner);
        self.next_owner += 1;
        if let Some(given_up) = self.pending.replace(side) {
            self.close(&given_up, controller);
        }
        self.swap_if_due(controller);
        true
    }

    fn newest(&self) -> &Side {
        self.pending.as_ref().unwrap_or(&self.current)
    }

    fn with_newest(
        &mut self,
        controller: &mut dyn Controller,
        act: impl FnOnce(&mut dyn Policy, &mut dyn Controller),
    ) {
        let side = self.pending.as_mut().unwrap_or(&mut self.current);
        act(
            side.policy.as_mut(),
            &mut Scoped { owner: side.owner, owners: &mut self.owners, controller: &mut *controller },
        );
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
        }
    }

    /// Gives up all that a policy made, whatever the policy itself still knows of it.
    fn close(&mut self, side: &Side, controller: &mut dyn Controller) {
        for id in self.owners.subchannels(side.owner) {
            Scoped { owner: side.owner, owners: &mut self.owners, controller: &mut *controller }
                .remove_subchannel(id);
        }
    }
}

impl Side {
    fn new(config: &dyn PolicyConfig, owner: u32) -> Self {
        Self { name: config.name().into(), owner, policy: config.build() }
    }
}

impl Policy for GracefulSwitch {
    fn on_config(&mut self, config: &dyn PolicyConfig, controller: &mut dyn Controller) {
        self.switch_to(config, controller);
    }

    fn on_endpoints(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller) {
        self.with_newest(controller, |policy, controller| policy.on_endpoints(endpoints, controller));
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller) {
        self.with_newest(controller, |policy, controller| policy.on_resolver_error(error, controller));
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        let owner = self.owners.of(update.id);
        let side = [Some(&mut self.current), self.pending.as_mut()]
            .into_iter()
            .flatten()
            .find(|side| Some(side.owner) == owner);
        let Some(side) = side else { return };
        let mut scoped = Scoped { owner: side.owner, owners: &mut self.owners, controller: &mut *controller };
        side.policy.on_subchannel_state(update, &mut scoped);
        self.swap_if_due(controller);
    }

    fn exit_idle(&mut self, controller: &mut dyn Controller) {
        self.with_newest(controller, |policy, controller| policy.exit_idle(controller));
    }

    fn on_wake(&mut self, token: WakeToken, controller: &mut dyn Controller) {
        // Calls go by the pickers of the current policy.
        let owner = self.current.owner;
        let mut scoped = Scoped { owner, owners: &mut self.owners, controller: &mut *controller };
        self.current.policy.on_wake(token, &mut scoped);
        self.swap_if_due(controller);
    }

    fn next_wakeup(&self) -> Option<Time> {
        let pending = self.pending.as_ref().and_then(|side| side.policy.next_wakeup());
        [self.current.policy.next_wakeup(), pending].into_iter().flatten().min()
    }

    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        let now = controller.now();
        for side in [Some(&mut self.current), self.pending.as_mut()].into_iter().flatten() {
            if side.policy.next_wakeup().is_some_and(|due| due <= now) {
                side.policy.on_wakeup(&mut Scoped {
                    owner: side.owner,
                    owners: &mut self.owners,
                    controller: &mut *controller,
                });
            }
        }
        self.swap_if_due(controller);
    }

    fn state(&self) -> ConnectivityState {
        self.current.policy.state()
    }

    fn take_published(&mut self, random: &mut dyn Random) -> Option<Published> {
        self.current.policy.take_published(random)
    }
}

//! A channel that only remembers what a policy asked it for.

use std::time::Duration;

use super::{Controller, Policy, PolicyConfig, PolicyUpdate, Published, Random, SubchannelId, sealed};
use crate::endpoint::{Address, Endpoint};
use crate::time::Time;

/// Records what a policy asks for.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) created: Vec<Address>,
    pub(super) connects: Vec<u32>,
    pub(super) removed: Vec<u32>,
    pub(super) resolutions: usize,
    pub(super) changed: bool,
    pub(super) draw: Constant,
}

#[derive(Default)]
pub(super) struct Constant(pub(super) u64);

impl Random for Constant {
    fn bits(&mut self) -> u64 {
        self.0
    }
}

impl sealed::Controller for Fake {}

impl Controller for Fake {
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId {
        self.created.push(address.clone());
        SubchannelId::new(self.created.len() as u32 - 1, 0)
    }

    fn connect(&mut self, id: SubchannelId) {
        self.connects.push(id.index() as u32);
    }

    fn remove_subchannel(&mut self, id: SubchannelId) {
        self.removed.push(id.index() as u32);
    }

    fn request_resolution(&mut self) {
        self.resolutions += 1;
    }

    fn mark_changed(&mut self) {
        self.changed = true;
    }

    fn now(&self) -> Time {
        Time::ORIGIN
    }

    fn connection_attempt_delay(&self) -> Duration {
        Duration::from_millis(250)
    }

    fn random(&mut self) -> &mut dyn Random {
        &mut self.draw
    }
}

impl Fake {
    /// What the policy has come to, if it said that something has changed.
    pub(super) fn published(&mut self, policy: &dyn Policy) -> Option<Published> {
        std::mem::take(&mut self.changed).then(|| policy.snapshot(&mut self.draw))
    }

    /// Tells the policy of these endpoints.
    pub(super) fn update(
        &mut self,
        policy: &mut dyn Policy,
        endpoints: &[Endpoint],
        config: &dyn PolicyConfig,
    ) {
        policy.on_update(&PolicyUpdate::new(endpoints, config), self).unwrap();
    }
}

pub(super) fn endpoint(n: u16) -> Endpoint {
    Endpoint::from(std::net::SocketAddr::from(([127, 0, 0, 1], n)))
}

pub(super) fn endpoints(numbers: impl IntoIterator<Item = u16>) -> Vec<Endpoint> {
    numbers.into_iter().map(endpoint).collect()
}

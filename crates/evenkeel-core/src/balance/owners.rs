//! Whose subchannel is it? For policies that are made of policies.

use std::time::Duration;

use super::{Controller, SubchannelId};
use crate::endpoint::Address;
use crate::random::Random;
use crate::time::Time;

/// Which part of a policy each of its subchannels belongs to.
///
/// Subchannel ids are indices, so a table is the quickest map.
#[derive(Debug, Default)]
pub(super) struct Owners {
    by_id: Vec<Option<u32>>,
}

/// A controller for one part of a policy: remembers what that part creates.
pub(super) struct Scoped<'a> {
    pub(super) owner: u32,
    pub(super) owners: &'a mut Owners,
    pub(super) controller: &'a mut dyn Controller,
}

impl Owners {
    pub(super) fn of(&self, id: SubchannelId) -> Option<u32> {
        *self.by_id.get(id.0 as usize)?
    }

    /// All subchannels of one owner.
    pub(super) fn subchannels(&self, owner: u32) -> Vec<SubchannelId> {
        let owned = (0_u32..).zip(&self.by_id).filter(|(_, by)| **by == Some(owner));
        owned.map(|(index, _)| SubchannelId(index)).collect()
    }

    fn set(&mut self, id: SubchannelId, owner: Option<u32>) {
        let index = id.0 as usize;
        if self.by_id.len() <= index {
            self.by_id.resize(index + 1, None);
        }
        if let Some(place) = self.by_id.get_mut(index) {
            *place = owner;
        }
    }
}

impl Controller for Scoped<'_> {
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId {
        let id = self.controller.create_subchannel(address);
        self.owners.set(id, Some(self.owner));
        id
    }

    fn connect(&mut self, id: SubchannelId) {
        self.controller.connect(id);
    }

    fn remove_subchannel(&mut self, id: SubchannelId) {
        self.owners.set(id, None);
        self.controller.remove_subchannel(id);
    }

    fn request_resolution(&mut self) {
        self.controller.request_resolution();
    }

    fn now(&self) -> Time {
        self.controller.now()
    }

    fn connection_attempt_delay(&self) -> Duration {
        self.controller.connection_attempt_delay()
    }

    fn random(&mut self) -> &mut dyn Random {
        self.controller.random()
    }
}

//! Whose subchannel is it? For policies that are made of policies.

use std::time::Duration;

use super::{Controller, SubchannelId, sealed};
use crate::endpoint::Address;
use crate::random::Random;
use crate::time::Time;

/// Which part of a policy each of its subchannels belongs to.
///
/// Subchannel ids are indices, so a table is the quickest map.
#[derive(Debug, Default)]
pub(super) struct Owners {
    by_index: Vec<Option<(SubchannelId, u32)>>,
}

/// A controller for one part of a policy: remembers what that part creates, and whether it has changed.
pub(super) struct Scoped<'a> {
    owner: u32,
    owners: &'a mut Owners,
    controller: &'a mut dyn Controller,
    is_changed: bool,
}

impl<'a> Scoped<'a> {
    pub(super) fn new(owner: u32, owners: &'a mut Owners, controller: &'a mut dyn Controller) -> Self {
        Self { owner, owners, controller, is_changed: false }
    }

    /// What it means for the whole that a part has changed, the whole must say itself.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }
}

impl Owners {
    pub(super) fn of(&self, id: SubchannelId) -> Option<u32> {
        let (owned, owner) = (*self.by_index.get(id.index())?)?;
        (owned == id).then_some(owner)
    }

    /// All subchannels of one owner.
    pub(super) fn subchannels(&self, owner: u32) -> Vec<SubchannelId> {
        let owned = self.by_index.iter().flatten().filter(|(_, by)| *by == owner);
        owned.map(|(id, _)| *id).collect()
    }

    fn add(&mut self, id: SubchannelId, owner: u32) {
        if self.by_index.len() <= id.index() {
            self.by_index.resize(id.index() + 1, None);
        }
        if let Some(place) = self.by_index.get_mut(id.index()) {
            *place = Some((id, owner));
        }
    }

    fn remove(&mut self, id: SubchannelId) {
        if let Some(place) = self.by_index.get_mut(id.index()) {
            place.take_if(|(owned, _)| *owned == id);
        }
    }
}

impl sealed::Controller for Scoped<'_> {}

impl Controller for Scoped<'_> {
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId {
        let id = self.controller.create_subchannel(address);
        self.owners.add(id, self.owner);
        id
    }

    fn connect(&mut self, id: SubchannelId) {
        self.controller.connect(id);
    }

    fn remove_subchannel(&mut self, id: SubchannelId) {
        self.owners.remove(id);
        self.controller.remove_subchannel(id);
    }

    fn request_resolution(&mut self) {
        self.controller.request_resolution();
    }

    fn mark_changed(&mut self) {
        self.is_changed = true;
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

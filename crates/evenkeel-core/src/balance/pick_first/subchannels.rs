//! The addresses of a `pick_first`, and the subchannels to those that it has tried.

use std::collections::HashMap;

use crate::balance::{Controller, SubchannelId, SubchannelUpdate};
use crate::cause::Cause;
use crate::endpoint::Address;
use crate::state::ConnectivityState;

/// In the order of attempts. A subchannel is made when its address is first tried: a list may be long, and the
/// first address mostly answers. What happens to one costs the same in a list of any length.
#[derive(Debug, Default)]
pub(super) struct Subchannels {
    entries: Vec<Entry>,
    by_id: HashMap<SubchannelId, usize>,
    /// How many have failed since the pass began.
    failed: usize,
    last_failure: Option<Cause>,
}

#[derive(Debug)]
struct Entry {
    address: Address,
    subchannel: Option<Subchannel>,
}

#[derive(Debug)]
struct Subchannel {
    id: SubchannelId,
    state: ConnectivityState,
    /// At least one attempt has failed since the pass began.
    has_failed: bool,
}

impl Subchannels {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, id: SubchannelId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The subchannel to the address at `index` and its state, made if need be; `None` past the end.
    pub(super) fn at(
        &mut self,
        index: usize,
        controller: &mut dyn Controller,
    ) -> Option<(SubchannelId, ConnectivityState)> {
        let Entry { address, subchannel } = self.entries.get_mut(index)?;
        let subchannel = subchannel.get_or_insert_with(|| {
            let id = controller.create_subchannel(address);
            self.by_id.insert(id, index);
            Subchannel { id, state: ConnectivityState::Idle, has_failed: false }
        });
        Some((subchannel.id, subchannel.state))
    }

    /// Takes a new list: subchannels to addresses that are still in it stay, the others are given up.
    pub(super) fn replace(&mut self, addresses: Vec<Address>, controller: &mut dyn Controller) {
        let mut known: HashMap<Address, Subchannel> = HashMap::new();
        for entry in self.entries.drain(..) {
            if let Some(subchannel) = entry.subchannel {
                known.insert(entry.address, subchannel);
            }
        }
        let entries = addresses.into_iter().map(|address| {
            let subchannel = known.remove(&address);
            Entry { address, subchannel }
        });
        self.entries = entries.collect();
        for subchannel in known.into_values() {
            controller.remove_subchannel(subchannel.id);
        }
        self.count();
    }

    pub(super) fn keep_only(&mut self, id: SubchannelId, controller: &mut dyn Controller) {
        for entry in &mut self.entries {
            if let Some(other) = entry.subchannel.take_if(|subchannel| subchannel.id != id) {
                controller.remove_subchannel(other.id);
            }
        }
        self.count();
    }

    /// Takes note of a new state; returns the index of the address, if the subchannel is one of these.
    pub(super) fn on_update(&mut self, update: &SubchannelUpdate) -> Option<usize> {
        let index = *self.by_id.get(&update.id)?;
        self.entries.get_mut(index)?.subchannel.as_mut()?.state = update.to;
        if update.to == ConnectivityState::TransientFailure {
            self.mark_failed(index);
        }
        if let Some(cause) = &update.cause {
            self.last_failure = Some(cause.clone());
        }
        Some(index)
    }

    /// The subchannel at `index` is of no use in this pass.
    pub(super) fn mark_failed(&mut self, index: usize) {
        let entry = self.entries.get_mut(index);
        if let Some(subchannel) = entry.and_then(|entry| entry.subchannel.as_mut()) {
            self.failed += usize::from(!std::mem::replace(&mut subchannel.has_failed, true));
        }
    }

    pub(super) fn forget_failures(&mut self) {
        for entry in &mut self.entries {
            if let Some(subchannel) = &mut entry.subchannel {
                subchannel.has_failed = false;
            }
        }
        self.failed = 0;
    }

    pub(super) fn have_all_failed(&self) -> bool {
        self.failed == self.entries.len()
    }

    /// What the last failed attempt, or the last lost connection, said.
    pub(super) fn last_failure(&self) -> Option<Cause> {
        self.last_failure.clone()
    }

    pub(super) fn idle(&self) -> impl Iterator<Item = SubchannelId> {
        let known = self.entries.iter().filter_map(|entry| entry.subchannel.as_ref());
        known.filter(|subchannel| subchannel.state == ConnectivityState::Idle).map(|subchannel| subchannel.id)
    }

    /// After a list has changed: who stands where, and how many have failed.
    fn count(&mut self) {
        self.by_id.clear();
        self.failed = 0;
        for (index, entry) in self.entries.iter().enumerate() {
            if let Some(subchannel) = &entry.subchannel {
                self.by_id.insert(subchannel.id, index);
                self.failed += usize::from(subchannel.has_failed);
            }
        }
    }
}

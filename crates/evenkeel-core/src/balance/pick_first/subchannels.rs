//! The addresses of a `pick_first`, and the subchannels to those that it has tried.

use std::collections::HashMap;
use std::sync::Arc;

use crate::balance::{Controller, SubchannelId, SubchannelUpdate};
use crate::endpoint::Address;
use crate::state::ConnectivityState;

/// In the order of attempts. A subchannel is made when its address is first tried: a list may be long, and the
/// first address mostly answers.
#[derive(Debug, Default)]
pub(super) struct Subchannels {
    entries: Vec<Entry>,
    last_failure: Option<Arc<str>>,
}

#[derive(Debug)]
struct Entry {
    address: Address,
    subchannel: Option<Subchannel>,
}

#[derive(Debug)]
pub(super) struct Subchannel {
    pub(super) id: SubchannelId,
    pub(super) state: ConnectivityState,
    /// At least one attempt has failed since the pass began.
    pub(super) has_failed: bool,
}

impl Subchannels {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, id: SubchannelId) -> bool {
        self.known().any(|subchannel| subchannel.id == id)
    }

    /// The subchannel to the address at `index`, made if need be; `None` past the end.
    pub(super) fn at(&mut self, index: usize, controller: &mut dyn Controller) -> Option<&mut Subchannel> {
        let entry = self.entries.get_mut(index)?;
        let address = &entry.address;
        Some(entry.subchannel.get_or_insert_with(|| Subchannel {
            id: controller.create_subchannel(address),
            state: ConnectivityState::Idle,
            has_failed: false,
        }))
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
    }

    pub(super) fn keep_only(&mut self, id: SubchannelId, controller: &mut dyn Controller) {
        for entry in &mut self.entries {
            if let Some(other) = entry.subchannel.take_if(|subchannel| subchannel.id != id) {
                controller.remove_subchannel(other.id);
            }
        }
    }

    /// Takes note of a new state; returns the index of the address, if the subchannel is one of these.
    pub(super) fn on_update(&mut self, update: &SubchannelUpdate) -> Option<usize> {
        let is_meant = |entry: &Entry| entry.subchannel.as_ref().is_some_and(|known| known.id == update.id);
        let index = self.entries.iter().position(is_meant)?;
        let subchannel = self.entries.get_mut(index)?.subchannel.as_mut()?;
        subchannel.state = update.to;
        subchannel.has_failed |= update.to == ConnectivityState::TransientFailure;
        if let Some(cause) = &update.cause {
            self.last_failure = Some(Arc::clone(cause));
        }
        Some(index)
    }

    pub(super) fn forget_failures(&mut self) {
        for entry in &mut self.entries {
            if let Some(subchannel) = &mut entry.subchannel {
                subchannel.has_failed = false;
            }
        }
    }

    pub(super) fn have_all_failed(&self) -> bool {
        self.entries.iter().all(|entry| entry.subchannel.as_ref().is_some_and(|known| known.has_failed))
    }

    /// What the last failed attempt, or the last lost connection, said.
    pub(super) fn last_failure(&self) -> Option<Arc<str>> {
        self.last_failure.clone()
    }

    pub(super) fn idle(&self) -> impl Iterator<Item = SubchannelId> {
        self.known()
            .filter(|subchannel| subchannel.state == ConnectivityState::Idle)
            .map(|subchannel| subchannel.id)
    }

    fn known(&self) -> impl Iterator<Item = &Subchannel> {
        self.entries.iter().filter_map(|entry| entry.subchannel.as_ref())
    }
}

//! Connections whose server may hang: they leave the picker while another can take the calls, and come back.
//!
//! A suspect that is put aside keeps its calls; its subchannel is dialled anew meanwhile. When nobody else is left, who is
//! aside is asked again: when all are suspect, none is.

use super::action::{Action, AttemptId};
use super::table::Table;
use crate::balance::{Controller, SubchannelId};
use crate::cause::Cause;
use crate::connect::Event;
use crate::state::ConnectivityState;

/// What a slot knows about suspicion.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Why the connection in use is suspect, if it is.
    cause: Option<Cause>,
    /// The connection in use has been of use.
    served: bool,
    /// The connection that was put aside.
    aside: Option<AttemptId>,
    /// It was taken back because there was nobody else: only somebody who is READY takes its place again.
    is_last_resort: bool,
}

impl Table {
    /// The server of this connection may hang.
    pub(super) fn on_suspected(&mut self, id: SubchannelId, attempt: AttemptId, served: bool, cause: Cause) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        if slot.attempt == Some(attempt) && slot.machine.state() == ConnectivityState::Ready {
            slot.suspicion.cause = Some(cause);
            slot.suspicion.served = served;
            slot.suspicion.is_last_resort = false;
            self.suspects.insert(id);
        }
    }

    /// It does not. Of two connections, the newer one goes.
    pub(super) fn on_trusted(&mut self, id: SubchannelId, attempt: AttemptId) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        if slot.suspicion.aside == Some(attempt) {
            self.take_back(id);
        } else if slot.attempt != Some(attempt) {
            return;
        }
        self.forget_suspicion(id);
    }

    /// A connection that was put aside has ended; returns whether it was one.
    pub(super) fn on_aside_ended(&mut self, id: SubchannelId, attempt: AttemptId) -> bool {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return false };
        let is_aside = slot.suspicion.aside == Some(attempt);
        if is_aside {
            self.release_aside(id);
        }
        is_aside
    }

    /// Puts suspects aside while there is somebody else, and takes them back when there is not; returns whether
    /// anything has changed. `has_spare`: there are endpoints that nobody has tried.
    pub(super) fn review_suspects(&mut self, has_spare: bool) -> bool {
        if self.suspects.is_empty() {
            return false;
        }
        let in_use = self.suspects_that(|slot| slot.suspicion.cause.is_some());
        if self.counts.ready > in_use.len() {
            in_use.iter().for_each(|id| self.put_aside(*id));
            return !in_use.is_empty();
        }
        if has_spare {
            let fresh =
                self.suspects_that(|slot| slot.suspicion.cause.is_some() && !slot.suspicion.is_last_resort);
            fresh.iter().for_each(|id| self.put_aside(*id));
            return !fresh.is_empty();
        }
        let aside = self.suspects_that(|slot| slot.suspicion.aside.is_some() && !slot.is_ready());
        let dialled_anew =
            aside.iter().filter(|id| self.state_of(**id) == Some(ConnectivityState::Connecting));
        if in_use.is_empty() && self.counts.connecting > dialled_anew.count() {
            // Somebody who is not suspect may be READY in a moment.
            return false;
        }
        for id in &aside {
            self.take_back(*id);
            if let Some(slot) = Self::slot_mut(&mut self.slots, *id) {
                slot.suspicion.is_last_resort = true;
            }
        }
        !aside.is_empty()
    }

    /// The connection in use has ended, or its subchannel is given up: what it was suspected of is no matter any more.
    pub(super) fn forget_suspicion(&mut self, id: SubchannelId) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        (slot.suspicion.cause, slot.suspicion.is_last_resort) = (None, false);
        if slot.suspicion.aside.is_none() {
            self.suspects.remove(&id);
        }
    }

    /// Lets a connection that was put aside end with its last call.
    pub(super) fn release_aside(&mut self, id: SubchannelId) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        if let Some(attempt) = slot.suspicion.aside.take() {
            self.actions.push(Action::Release { id, attempt });
        }
        if slot.suspicion.cause.is_none() {
            self.suspects.remove(&id);
        }
    }

    fn put_aside(&mut self, id: SubchannelId) {
        self.release_aside(id);
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        let (Some(attempt), cause) = (slot.attempt.take(), slot.suspicion.cause.take()) else { return };
        slot.suspicion.aside = Some(attempt);
        self.suspects.insert(id);
        let served = slot.suspicion.served;
        self.actions.push(Action::SetAside { id, attempt });
        self.feed(id, Event::Suspected { served }, cause);
    }

    /// The connection that was put aside is the subchannel's again, whatever has become of the subchannel meanwhile.
    fn take_back(&mut self, id: SubchannelId) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        let Some(attempt) = slot.suspicion.aside.take() else { return };
        slot.suspicion.cause = Some("it was suspected before".into());
        if let Some(newer) = slot.attempt.replace(attempt)
            && (slot.is_ready() || self.dials.on_ended(newer))
        {
            self.actions.push(Action::Release { id, attempt: newer });
        }
        self.actions.push(Action::TakeBack { id, attempt });
        // Where a newer connection was READY, nothing changes for the policy; but calls that saw neither of the two wait.
        self.mark_changed();
        self.feed(id, Event::Restored, None);
    }

    fn suspects_that(&self, is_meant: impl Fn(&super::table::Slot) -> bool) -> Vec<SubchannelId> {
        self.suspects.iter().filter(|id| self.slot(**id).is_some_and(&is_meant)).copied().collect()
    }

    fn state_of(&self, id: SubchannelId) -> Option<ConnectivityState> {
        self.slot(id).map(|slot| slot.machine.state())
    }
}

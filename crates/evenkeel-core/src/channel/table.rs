//! The table of subchannels, as a policy is allowed to see and move it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::action::{Action, AttemptId, Settings};
use super::dials::Dials;
use super::suspects::Suspicion;
use crate::balance::{Controller, SubchannelId, SubchannelUpdate, sealed};
use crate::cause::Cause;
use crate::connect::{Event, Subchannel, Transition};
use crate::endpoint::{Address, Endpoint};
use crate::random::Random;
use crate::resolve::Urgency;
use crate::state::ConnectivityState;
use crate::time::Time;

pub(super) struct Table {
    pub(super) slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// How many subchannels to an address are READY: two policies may have one each.
    ready: HashMap<Address, usize>,
    timers: BTreeSet<(Time, SubchannelId)>,
    updates: VecDeque<SubchannelUpdate>,
    pub(super) actions: Vec<Action>,
    pub(super) counts: Counts,
    /// Subchannels with a connection that is suspect, in use or aside.
    pub(super) suspects: BTreeSet<SubchannelId>,
    /// One request for a batch of events; whether it is urgent is seen at the batch's end.
    resolution_wanted: bool,
    /// Calls wait for that answer alone.
    resolution_overdue: bool,
    /// The policy has said that something has changed.
    is_changed: bool,
    next_attempt: u64,
    next_generation: u32,
    pub(super) dials: Dials,
    now: Time,
    settings: Settings,
    random: Box<dyn Random + Send>,
}

#[derive(Debug)]
pub(super) struct Slot {
    id: SubchannelId,
    address: Address,
    pub(super) machine: Subchannel,
    pub(super) attempt: Option<AttemptId>,
    pub(super) suspicion: Suspicion,
}

/// How many subchannels are in these states.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) ready: usize,
    pub(super) connecting: usize,
}

impl Slot {
    pub(super) fn is_ready(&self) -> bool {
        self.machine.state() == ConnectivityState::Ready
    }
}

impl Counts {
    fn of(&mut self, state: ConnectivityState) -> Option<&mut usize> {
        match state {
            ConnectivityState::Ready => Some(&mut self.ready),
            ConnectivityState::Connecting => Some(&mut self.connecting),
            _ => None,
        }
    }

    fn on_change(&mut self, from: ConnectivityState, to: ConnectivityState) {
        if let Some(count) = self.of(from) {
            *count -= 1;
        }
        if let Some(count) = self.of(to) {
            *count += 1;
        }
    }
}

impl Table {
    pub(super) fn new(settings: Settings, random: Box<dyn Random + Send>) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            ready: HashMap::new(),
            timers: BTreeSet::new(),
            updates: VecDeque::new(),
            actions: Vec::new(),
            counts: Counts::default(),
            suspects: BTreeSet::new(),
            resolution_wanted: false,
            resolution_overdue: false,
            // What a new policy starts with is news.
            is_changed: true,
            next_attempt: 0,
            next_generation: 0,
            dials: Dials::new(settings.max_connection_attempts),
            now: Time::ORIGIN,
            settings,
            random,
        }
    }

    pub(super) fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        self.start_attempts();
        let (wanted, overdue) =
            (std::mem::take(&mut self.resolution_wanted), std::mem::take(&mut self.resolution_overdue));
        match self.ready.is_empty() {
            true if overdue => self.actions.push(Action::Resolve(Urgency::AtOnce)),
            true if wanted => self.actions.push(Action::Resolve(Urgency::Urgent)),
            false if wanted => self.actions.push(Action::Resolve(Urgency::Calm)),
            _ => {}
        }
        std::mem::take(&mut self.actions)
    }

    /// Whether the policy has changed since the last time.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Asks for a fresh answer, whatever the resolver's pace is.
    pub(super) fn request_resolution_at_once(&mut self) {
        self.resolution_overdue = true;
    }

    pub(super) fn address(&self, id: SubchannelId) -> Option<&Address> {
        self.slot(id).map(|slot| &slot.address)
    }

    pub(super) fn next_timer(&self) -> Option<Time> {
        self.timers.first().map(|(due, _)| *due)
    }

    pub(super) fn is_any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn is_endpoint_ready(&self, endpoint: &Endpoint) -> bool {
        endpoint.addresses().iter().any(|address| self.ready.contains_key(address))
    }

    /// Fires the backoff timers that are due.
    pub(super) fn fire_timers(&mut self) {
        while let Some((due, id)) = self.timers.first().copied() {
            if due > self.now {
                break;
            }
            self.timers.pop_first();
            self.feed(id, Event::BackoffEnded, None);
        }
    }

    /// Feeds an attempt's result, unless the subchannel has moved on; returns whether it has not.
    pub(super) fn feed_attempt(
        &mut self,
        id: SubchannelId,
        attempt: AttemptId,
        event: Event,
        cause: Option<Cause>,
    ) -> bool {
        let current = self.slot(id).and_then(|slot| slot.attempt) == Some(attempt);
        if current {
            self.feed(id, event, cause);
        }
        current
    }

    /// The next change that the policy has not been told of.
    pub(super) fn next_update(&mut self) -> Option<SubchannelUpdate> {
        while let Some(update) = self.updates.pop_front() {
            if self.slot(update.id).is_some() {
                return Some(update);
            }
        }
        None
    }

    pub(super) fn remove_all(&mut self) {
        let all: Vec<SubchannelId> = self.slots.iter().flatten().map(|slot| slot.id).collect();
        all.into_iter().for_each(|id| self.remove_subchannel(id));
    }

    /// How many subchannels there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn slot(&self, id: SubchannelId) -> Option<&Slot> {
        self.slots.get(id.index())?.as_ref().filter(|slot| slot.id == id)
    }

    /// A name that is out of date finds nothing.
    pub(super) fn slot_mut(slots: &mut [Option<Slot>], id: SubchannelId) -> Option<&mut Slot> {
        slots.get_mut(id.index())?.as_mut().filter(|slot| slot.id == id)
    }

    /// Begins the attempts that there is room for.
    fn start_attempts(&mut self) {
        while let Some((id, attempt)) = self.dials.next() {
            let waiting = Self::slot_mut(&mut self.slots, id).filter(|slot| slot.attempt == Some(attempt));
            let Some(slot) = waiting else { continue };
            slot.machine.on_attempt_started(self.now);
            let deadline = slot.machine.attempt_deadline().unwrap_or(self.now);
            self.dials.on_started(attempt);
            self.actions.push(Action::Connect { id, attempt, address: slot.address.clone(), deadline });
        }
    }

    pub(super) fn feed(&mut self, id: SubchannelId, event: Event, cause: Option<Cause>) {
        let Some(slot) = Self::slot_mut(&mut self.slots, id) else { return };
        let old_timer = slot.machine.next_wakeup();
        let Some(Transition { from, to }) =
            slot.machine.on_event(event, self.now, &self.settings.subchannel, self.random.as_mut())
        else {
            return;
        };
        self.counts.on_change(from, to);
        if let Some(due) = old_timer {
            self.timers.remove(&(due, id));
        }
        if let Some(due) = slot.machine.next_wakeup() {
            self.timers.insert((due, id));
        }
        let has_begun = match slot.attempt {
            Some(attempt) if from == ConnectivityState::Connecting => self.dials.on_ended(attempt),
            _ => true,
        };
        match to {
            ConnectivityState::Connecting => {
                let attempt = AttemptId(self.next_attempt);
                self.next_attempt += 1;
                slot.attempt = Some(attempt);
                self.dials.push(id, attempt);
            }
            ConnectivityState::Ready => *self.ready.entry(slot.address.clone()).or_default() += 1,
            ConnectivityState::Idle | ConnectivityState::TransientFailure | ConnectivityState::Shutdown => {
                if let Some(attempt) = slot.attempt.take_if(|_| has_begun) {
                    self.actions.push(Action::Release { id, attempt });
                }
                slot.attempt = None;
            }
        }
        let address = slot.address.clone();
        if from == ConnectivityState::Ready {
            self.forget_ready(&address);
            self.forget_suspicion(id);
        }
        self.actions.push(Action::Report { id, address, from, to, cause: cause.clone() });
        self.updates.push_back(SubchannelUpdate { id, from, to, cause });
    }

    fn forget_ready(&mut self, address: &Address) {
        if let Some(count) = self.ready.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                self.ready.remove(address);
            }
        }
    }
}

impl sealed::Controller for Table {}

impl Controller for Table {
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = SubchannelId::new(index, self.next_generation);
        self.next_generation = self.next_generation.wrapping_add(1);
        if let Some(place) = self.slots.get_mut(id.index()) {
            *place = Some(Slot {
                id,
                address: address.clone(),
                machine: Subchannel::new(),
                attempt: None,
                suspicion: Suspicion::default(),
            });
        }
        id
    }

    fn connect(&mut self, id: SubchannelId) {
        self.feed(id, Event::ConnectRequested, None);
    }

    fn remove_subchannel(&mut self, id: SubchannelId) {
        self.release_aside(id);
        self.feed(id, Event::Shutdown, None);
        let place = self.slots.get_mut(id.index());
        if place.and_then(|place| place.take_if(|slot| slot.id == id)).is_some() {
            self.free.extend(u32::try_from(id.index()));
        }
    }

    fn request_resolution(&mut self) {
        self.resolution_wanted = true;
    }

    fn mark_changed(&mut self) {
        self.is_changed = true;
    }

    fn now(&self) -> Time {
        self.now
    }

    fn connection_attempt_delay(&self) -> Duration {
        self.settings.connection_attempt_delay
    }

    fn random(&mut self) -> &mut dyn Random {
        self.random.as_mut()
    }
}

//! One `pick_first` per endpoint: what every policy that spreads calls over endpoints is built on (gRFC A61).

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::owners::{Owners, Scoped};
use super::{Controller, PickFirst, PickFirstConfig, Policy, SubchannelId, SubchannelUpdate};
use crate::cause::Cause;
use crate::endpoint::{Endpoint, EndpointKey};
use crate::list::SharedList;
use crate::random::index;
use crate::state::ConnectivityState;
use crate::time::Time;

/// What a policy knows about one endpoint, for as long as the endpoint is listed.
pub(super) trait EndpointState: fmt::Debug + Send + 'static {
    /// What a picker holds of it.
    type Shared: Clone + fmt::Debug + Send + Sync + 'static;

    fn new(endpoint: &Endpoint) -> Self;

    /// What is said of the endpoint has changed, while it is the same; returns whether what pickers hold has, too.
    fn on_endpoint(&mut self, endpoint: &Endpoint) -> bool {
        let _ = endpoint;
        false
    }

    fn shared(&self) -> Self::Shared;
}

/// For policies that know nothing about their endpoints.
impl EndpointState for () {
    type Shared = ();

    fn new(_: &Endpoint) -> Self {}

    fn shared(&self) {}
}

/// A READY endpoint, as pickers know it.
#[derive(Clone, Debug)]
pub(super) struct Ready<T> {
    pub(super) subchannel: SubchannelId,
    pub(super) shared: T,
}

/// Keeps a child for each endpoint and every child connected.
///
/// What it costs: a list as long as the list is, an event one child, the ready ones nothing.
#[derive(Debug)]
pub(super) struct Children<S: EndpointState> {
    slots: Vec<Option<Child<S>>>,
    free: Vec<u32>,
    by_key: HashMap<EndpointKey, u32>,
    /// Which child a subchannel belongs to.
    owners: Owners,
    timers: BTreeSet<(Time, u32)>,
    /// Where calls can go, in no order that means anything.
    ready: SharedList<Ready<S::Shared>>,
    connecting: usize,
    last_failure: Option<Cause>,
    /// The lists that came so far, to tell who is in the last one.
    lists: u64,
    ready_changed: bool,
    failure_changed: bool,
}

#[derive(Debug)]
struct Child<S> {
    endpoint: Endpoint,
    key: EndpointKey,
    policy: PickFirst,
    state: S,
    /// The last list that named the endpoint.
    listed: u64,
    /// What the parent's counts and timers say about this child.
    counted: Counted,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    is_connecting: bool,
    ready: Option<(SubchannelId, usize)>,
    timer: Option<Time>,
}

impl<S: EndpointState> Default for Children<S> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            owners: Owners::default(),
            timers: BTreeSet::new(),
            ready: SharedList::default(),
            connecting: 0,
            last_failure: None,
            lists: 0,
            ready_changed: false,
            failure_changed: false,
        }
    }
}

impl<S: EndpointState> Children<S> {
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// READY before CONNECTING before TRANSIENT_FAILURE, which is also what no child at all is.
    pub(super) fn state(&self) -> ConnectivityState {
        if !self.ready.is_empty() {
            ConnectivityState::Ready
        } else if self.connecting > 0 {
            ConnectivityState::Connecting
        } else {
            ConnectivityState::TransientFailure
        }
    }

    /// Where calls can go.
    pub(super) fn ready(&self) -> &SharedList<Ready<S::Shared>> {
        &self.ready
    }

    /// What the child that failed last said.
    pub(super) fn last_failure(&self) -> Option<&Cause> {
        self.last_failure.as_ref()
    }

    /// Does `act`, and says so if calls have to be told something else than before.
    fn marking(&mut self, controller: &mut dyn Controller, act: impl FnOnce(&mut Self, &mut dyn Controller)) {
        let before = self.state();
        act(self, controller);
        let state = self.state();
        let ready = std::mem::take(&mut self.ready_changed);
        let failure = std::mem::take(&mut self.failure_changed);
        if state != before || ready || (failure && state == ConnectivityState::TransientFailure) {
            controller.mark_changed();
        }
    }

    /// The endpoints are now these. Children of endpoints that stay are not touched.
    pub(super) fn on_endpoints(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller) {
        self.marking(controller, |children, controller| children.replace(endpoints, controller));
    }

    pub(super) fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        let Some(id) = self.owners.of(update.id) else { return };
        self.marking(controller, |children, controller| {
            children.with_child(id, controller, |policy, controller| {
                policy.on_subchannel_state(update, controller);
            });
        });
    }

    pub(super) fn next_wakeup(&self) -> Option<Time> {
        self.timers.first().map(|(due, _)| *due)
    }

    pub(super) fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        let now = controller.now();
        let due: Vec<u32> =
            self.timers.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| *id).collect();
        self.marking(controller, |children, controller| {
            for id in due {
                children.with_child(id, controller, |policy, controller| policy.on_wakeup(controller));
            }
        });
    }

    fn replace(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller) {
        self.lists += 1;
        // Clients that start together must not all connect to the list's first endpoint first.
        let start = index(controller.random(), endpoints.len());
        let (head, tail) = endpoints.split_at(start);
        for endpoint in tail.iter().chain(head) {
            let key = endpoint.key();
            match self.by_key.get(&key) {
                Some(id) => self.keep(*id, endpoint, controller),
                None => self.add(endpoint, key, controller),
            }
        }
        for id in (0_u32..).take(self.slots.len()) {
            if self.child(id).is_some_and(|child| child.listed != self.lists) {
                self.remove(id, controller);
            }
        }
    }

    fn add(&mut self, endpoint: &Endpoint, key: EndpointKey, controller: &mut dyn Controller) {
        let child = Child {
            endpoint: endpoint.clone(),
            key: key.clone(),
            policy: PickFirst::new(PickFirstConfig::default()),
            state: S::new(endpoint),
            listed: self.lists,
            counted: Counted::default(),
        };
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.slots.get_mut(id as usize) {
            *place = Some(child);
        }
        self.by_key.insert(key, id);
        self.hand_endpoint(id, endpoint, controller);
    }

    fn keep(&mut self, id: u32, endpoint: &Endpoint, controller: &mut dyn Controller) {
        let Some(child) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        // An endpoint that the list names twice is one endpoint.
        let is_first_mention = std::mem::replace(&mut child.listed, self.lists) != self.lists;
        if !is_first_mention || child.endpoint == *endpoint {
            return;
        }
        let before = std::mem::replace(&mut child.endpoint, endpoint.clone());
        if child.state.on_endpoint(endpoint) {
            self.share_anew(id);
        }
        if before.addresses() != endpoint.addresses() {
            // The same addresses in another order.
            self.hand_endpoint(id, endpoint, controller);
        }
    }

    fn remove(&mut self, id: u32, controller: &mut dyn Controller) {
        self.with_child(id, controller, |policy, controller| policy.shut_down(controller));
        let Some(child) = self.slots.get_mut(id as usize).and_then(Option::take) else { return };
        self.by_key.remove(&child.key);
        self.connecting -= usize::from(child.counted.is_connecting);
        self.free.push(id);
    }

    fn hand_endpoint(&mut self, id: u32, endpoint: &Endpoint, controller: &mut dyn Controller) {
        let list = std::slice::from_ref(endpoint);
        self.with_child(id, controller, |policy, controller| policy.on_endpoints(list, controller));
    }

    fn with_child(
        &mut self,
        id: u32,
        controller: &mut dyn Controller,
        act: impl FnOnce(&mut PickFirst, &mut dyn Controller),
    ) {
        let Some(child) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        let mut scoped = Scoped::new(id, &mut self.owners, controller);
        act(&mut child.policy, &mut scoped);
        // An endpoint is kept connected, whether or not a call waits for it.
        child.policy.exit_idle(&mut scoped);
        let is_changed = scoped.is_changed();
        self.count(id, is_changed);
    }

    /// Brings counts and timers up to date with what one child says.
    fn count(&mut self, id: u32, is_changed: bool) {
        let Some(child) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        let before = child.counted;
        let state = child.policy.state();
        let selected = child.policy.selected();
        let is_connecting = matches!(state, ConnectivityState::Connecting | ConnectivityState::Idle);
        let timer = child.policy.next_wakeup();
        child.counted = Counted { is_connecting, timer, ready: before.ready };
        if is_changed && state == ConnectivityState::TransientFailure {
            self.last_failure = child.policy.failure().cloned();
            self.failure_changed = true;
        }
        self.connecting -= usize::from(before.is_connecting);
        self.connecting += usize::from(is_connecting);
        if before.timer != timer {
            if let Some(due) = before.timer {
                self.timers.remove(&(due, id));
            }
            self.timers.extend(timer.map(|due| (due, id)));
        }
        if before.ready.map(|(id, _)| id) != selected {
            self.move_ready(id, before.ready, selected);
        }
    }

    fn move_ready(&mut self, id: u32, before: Option<(SubchannelId, usize)>, after: Option<SubchannelId>) {
        if let Some((_, place)) = before {
            self.ready.swap_remove(place);
            let moved = self.ready.get(place).and_then(|moved| self.owners.of(moved.subchannel));
            if let Some(ready) = moved.and_then(|moved| self.counted(moved)?.ready.as_mut()) {
                ready.1 = place;
            }
        }
        self.ready_changed = true;
        let Some(child) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        child.counted.ready = after.map(|subchannel| {
            self.ready.push(Ready { subchannel, shared: child.state.shared() });
            (subchannel, self.ready.len() - 1)
        });
    }

    /// Has pickers hold what the child's state says now.
    fn share_anew(&mut self, id: u32) {
        let Some(child) = self.child(id) else { return };
        let (shared, ready) = (child.state.shared(), child.counted.ready);
        if let Some(place) = ready.and_then(|(_, place)| self.ready.get_mut(place)) {
            place.shared = shared;
            self.ready_changed = true;
        }
    }

    fn child(&self, id: u32) -> Option<&Child<S>> {
        self.slots.get(id as usize)?.as_ref()
    }

    fn counted(&mut self, id: u32) -> Option<&mut Counted> {
        Some(&mut self.slots.get_mut(id as usize)?.as_mut()?.counted)
    }
}

//! `round_robin`: every READY endpoint in turn (gRPC load-balancing document, gRFC A61).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::picker::{FailPicker, PickFailure};
use super::{
    CallInfo, Controller, Pick, Picker, Policy, QueuePicker, Random, SubchannelId, SubchannelUpdate,
};
use crate::endpoint::{Endpoint, EndpointKey};
use crate::random::index;
use crate::state::ConnectivityState;

/// Keeps every endpoint connected and spreads calls evenly over those that are READY.
///
/// An endpoint that leaves the list takes no new calls; its connection ends with the calls that run on it.
#[derive(Debug)]
pub struct RoundRobin {
    children: HashMap<SubchannelId, Child>,
    by_key: HashMap<EndpointKey, SubchannelId>,
    /// In the order of the list.
    order: Vec<SubchannelId>,
    resolver_error: Option<Arc<str>>,
    last_error: Option<Arc<str>>,
    resolved: bool,
    changed: bool,
}

#[derive(Debug)]
struct Child {
    key: EndpointKey,
    state: ConnectivityState,
}

#[derive(Debug)]
struct RoundRobinPicker {
    ready: Box<[SubchannelId]>,
    next: AtomicUsize,
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new()
    }
}

impl RoundRobin {
    /// A policy that has not heard of any endpoint yet: calls wait.
    pub fn new() -> Self {
        Self {
            children: HashMap::new(),
            by_key: HashMap::new(),
            order: Vec::new(),
            resolver_error: None,
            last_error: None,
            resolved: false,
            changed: true,
        }
    }

    fn adopt(
        &mut self,
        endpoint: &Endpoint,
        key: EndpointKey,
        controller: &mut dyn Controller,
    ) -> SubchannelId {
        let id = controller.create_subchannel(endpoint);
        self.by_key.insert(key.clone(), id);
        self.children.insert(id, Child { key, state: ConnectivityState::Idle });
        controller.connect(id);
        id
    }

    fn dismiss(&mut self, id: SubchannelId, controller: &mut dyn Controller) {
        if let Some(child) = self.children.remove(&id) {
            self.by_key.remove(&child.key);
            controller.remove_subchannel(id);
        }
    }

    fn aggregate(&self) -> ConnectivityState {
        let mut result = ConnectivityState::TransientFailure;
        for child in self.children.values() {
            match child.state {
                ConnectivityState::Ready => return ConnectivityState::Ready,
                // An IDLE child has been asked to connect already.
                ConnectivityState::Connecting | ConnectivityState::Idle => {
                    result = ConnectivityState::Connecting;
                }
                ConnectivityState::TransientFailure | ConnectivityState::Shutdown => {}
            }
        }
        result
    }

    fn failure(&self) -> PickFailure {
        let text = match (&self.resolver_error, &self.last_error) {
            (Some(error), _) if self.children.is_empty() => Arc::clone(error),
            (_, Some(error)) if !self.children.is_empty() => {
                format!("no endpoint is READY; last error: {error}").into()
            }
            _ => "no endpoints: name resolution found none".into(),
        };
        PickFailure(text)
    }
}

impl Policy for RoundRobin {
    fn on_endpoints(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller) {
        self.resolved = true;
        self.resolver_error = None;
        self.changed = true;
        // Clients that start together must not all connect to the list's first endpoint first.
        let start = index(controller.random(), endpoints.len());
        let (head, tail) = endpoints.split_at(start);
        let before = std::mem::take(&mut self.order);
        let mut listed = HashSet::with_capacity(endpoints.len());
        for endpoint in tail.iter().chain(head) {
            let key = endpoint.key();
            let id = match self.by_key.get(&key) {
                Some(id) => *id,
                None => self.adopt(endpoint, key, controller),
            };
            // An endpoint that the list names twice is one endpoint.
            if listed.insert(id) {
                self.order.push(id);
            }
        }
        for id in before {
            if !listed.contains(&id) {
                self.dismiss(id, controller);
            }
        }
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, _: &mut dyn Controller) {
        self.resolved = true;
        self.resolver_error = Some(Arc::clone(error));
        self.changed = true;
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        let Some(child) = self.children.get_mut(&update.id) else { return };
        // TRANSIENT_FAILURE sticks until READY, so that a channel without a working endpoint fails calls
        // instead of blinking between failing and holding them.
        let sticky = child.state == ConnectivityState::TransientFailure
            && matches!(update.to, ConnectivityState::Idle | ConnectivityState::Connecting);
        if !sticky && child.state != update.to {
            child.state = update.to;
            self.changed = true;
        }
        if let Some(cause) = &update.cause {
            self.last_error = Some(Arc::clone(cause));
            self.changed = true;
        }
        let lost = update.from == ConnectivityState::Ready;
        let failed = update.to == ConnectivityState::TransientFailure;
        if lost || failed {
            controller.request_resolution();
        }
        if update.to == ConnectivityState::Idle {
            controller.connect(update.id);
        }
    }

    fn take_picker(&mut self, random: &mut dyn Random) -> Option<(ConnectivityState, Arc<dyn Picker>)> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        if !self.resolved {
            return Some((ConnectivityState::Connecting, Arc::new(QueuePicker)));
        }
        let state = self.aggregate();
        let picker: Arc<dyn Picker> = match state {
            ConnectivityState::Ready => {
                let is_ready = |id: &&SubchannelId| {
                    self.children.get(id).is_some_and(|child| child.state == ConnectivityState::Ready)
                };
                let ready: Box<[SubchannelId]> = self.order.iter().filter(is_ready).copied().collect();
                let next = AtomicUsize::new(index(random, ready.len()));
                Arc::new(RoundRobinPicker { ready, next })
            }
            ConnectivityState::Connecting => Arc::new(QueuePicker),
            _ => Arc::new(FailPicker(self.failure())),
        };
        Some((state, picker))
    }
}

impl Picker for RoundRobinPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match self.ready.get(turn % self.ready.len().max(1)) {
            Some(id) => Pick::Subchannel(*id),
            None => Pick::Queue,
        }
    }
}

#[cfg(test)]
mod tests;

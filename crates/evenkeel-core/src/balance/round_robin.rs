//! `round_robin`: every READY endpoint in turn (gRPC load-balancing document, gRFC A61).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::children::Children;
use super::picker::PickFailure;
use super::{
    CallInfo, Controller, Pick, Picker, Policy, PolicyConfig, Published, Random, SubchannelId,
    SubchannelUpdate,
};
use crate::endpoint::Endpoint;
use crate::list::SharedList;
use crate::random::index;
use crate::state::ConnectivityState;
use crate::time::Time;

/// Settings of `round_robin`: it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobinConfig(());

/// Keeps every endpoint connected and spreads calls evenly over those that are READY.
///
/// An endpoint with several addresses is connected to at one of them, as [`PickFirst`](super::PickFirst) does. An
/// endpoint that leaves the list takes no new calls; its connection ends with the calls that run on it.
#[derive(Debug)]
pub struct RoundRobin {
    children: Children,
    resolver_error: Option<Arc<str>>,
    resolved: bool,
    /// The state that the last picker went with.
    published: Option<ConnectivityState>,
    changed: bool,
}

#[derive(Debug)]
struct RoundRobinPicker {
    ready: SharedList<SubchannelId>,
    next: AtomicUsize,
}

impl RoundRobinConfig {
    /// The name in a service config.
    pub const NAME: &'static str = "round_robin";

    /// Settings as they are by default.
    pub fn new() -> Self {
        Self::default()
    }
}

impl PolicyConfig for RoundRobinConfig {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(RoundRobin::new())
    }
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
            children: Children::default(),
            resolver_error: None,
            resolved: false,
            published: None,
            changed: false,
        }
    }

    fn failure(&self) -> PickFailure {
        let text = match (&self.resolver_error, self.children.last_failure()) {
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
        // Without endpoints it is the text of failures that changes.
        self.changed |= !self.resolved || endpoints.is_empty();
        self.resolved = true;
        self.resolver_error = None;
        self.children.on_endpoints(endpoints, controller);
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, _: &mut dyn Controller) {
        self.resolved = true;
        if self.children.is_empty() {
            self.resolver_error = Some(Arc::clone(error));
            self.changed = true;
        }
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        self.children.on_subchannel_state(update, controller);
    }

    fn next_wakeup(&self) -> Option<Time> {
        self.children.next_wakeup()
    }

    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        self.children.on_wakeup(controller);
    }

    fn state(&self) -> ConnectivityState {
        if self.resolved { self.children.state() } else { ConnectivityState::Connecting }
    }

    fn take_published(&mut self, random: &mut dyn Random) -> Option<Published> {
        let state = self.state();
        let is_new_state = self.published.replace(state) != Some(state);
        let is_changed = self.children.take_changed() | std::mem::take(&mut self.changed);
        if !is_new_state && !is_changed {
            return None;
        }
        Some(match state {
            ConnectivityState::Ready => {
                let ready = self.children.ready().clone();
                let next = AtomicUsize::new(index(random, ready.len()));
                Published::ready(RoundRobinPicker { ready, next })
            }
            ConnectivityState::TransientFailure => Published::failing(self.failure()),
            _ => Published::waiting(state),
        })
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

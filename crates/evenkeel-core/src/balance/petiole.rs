//! What every policy that spreads calls over READY endpoints has in common (gRFC A61: "petiole policies").

use std::fmt;
use std::sync::Arc;

use super::children::{Children, EndpointState, Ready};
use super::picker::PickFailure;
use super::{Controller, Policy, PolicyConfig, Published, Random, SubchannelUpdate};
use crate::endpoint::Endpoint;
use crate::list::SharedList;
use crate::state::ConnectivityState;
use crate::time::Time;

/// How a policy spreads calls: all that it has to say itself.
pub(super) trait Spread: fmt::Debug + Send + 'static {
    /// What it knows about each endpoint.
    type State: EndpointState;

    /// Takes new settings; returns whether pickers have to be made anew.
    fn on_config(&mut self, config: &dyn PolicyConfig) -> bool {
        let _ = config;
        false
    }

    /// READY: calls go to these; there is one at least.
    fn published(&self, ready: SharedList<ReadyEndpoint<Self>>, random: &mut dyn Random) -> Published;
}

pub(super) type ReadyEndpoint<P> = Ready<<<P as Spread>::State as EndpointState>::Shared>;

/// Keeps every endpoint connected; READY while one is, and then calls go as `P` says.
#[derive(Debug)]
pub(super) struct Petiole<P: Spread> {
    spread: P,
    children: Children<P::State>,
    resolver_error: Option<Arc<str>>,
    resolved: bool,
    /// The state that the last picker went with.
    published: Option<ConnectivityState>,
    changed: bool,
}

impl<P: Spread> Petiole<P> {
    /// A policy that has not heard of any endpoint yet: calls wait.
    pub(super) fn new(spread: P) -> Self {
        Self {
            spread,
            children: Children::default(),
            resolver_error: None,
            resolved: false,
            published: None,
            changed: false,
        }
    }

    #[cfg(test)]
    pub(super) fn mark_changed(&mut self) {
        self.changed = true;
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

impl<P: Spread> Policy for Petiole<P> {
    fn on_config(&mut self, config: &dyn PolicyConfig, _: &mut dyn Controller) {
        self.changed |= self.spread.on_config(config);
    }

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
            ConnectivityState::Ready => self.spread.published(self.children.ready().clone(), random),
            ConnectivityState::TransientFailure => Published::failing(self.failure()),
            _ => Published::waiting(state),
        })
    }
}

#[cfg(test)]
mod tests;

//! What every policy that spreads calls over READY endpoints has in common (gRFC A61: "petiole policies").

use std::fmt;
use std::sync::Arc;

use super::children::{Children, EndpointState, Ready};
use super::picker::{PickFailure, noted};
use super::{Controller, Policy, PolicyConfig, PolicyUpdate, Published, Random, Rejected, SubchannelUpdate};
use crate::cause::{Cause, CauseKind};
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
    /// The resolver's remark.
    note: Option<Arc<str>>,
    resolved: bool,
}

impl<P: Spread> Petiole<P> {
    /// A policy that has not heard of any endpoint yet: calls wait.
    pub(super) fn new(spread: P) -> Self {
        Self { spread, children: Children::default(), resolver_error: None, note: None, resolved: false }
    }

    fn failure(&self) -> PickFailure {
        if self.children.is_empty() {
            let text = self.resolver_error.clone().or_else(|| self.note.clone());
            let text = text.unwrap_or_else(|| "no endpoints: name resolution found none".into());
            return PickFailure::unavailable(Cause::new(CauseKind::Resolver, text));
        }
        let last = self.children.last_failure();
        let (kind, text) = last.map_or((CauseKind::Other, "none yet"), |last| (last.kind(), last.text()));
        let text = format!("no endpoint is READY; last error: {text}");
        PickFailure::unavailable(Cause::new(kind, noted(&text, self.note.as_ref())))
    }
}

impl<P: Spread> Policy for Petiole<P> {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        let is_first = !std::mem::replace(&mut self.resolved, true);
        let is_spread_anew = self.spread.on_config(update.config);
        self.resolver_error = None;
        self.note = update.note.cloned();
        self.children.on_endpoints(update.endpoints, controller);
        // While calls fail, it is the text of failures that changes.
        let is_failing = self.children.state() == ConnectivityState::TransientFailure;
        if is_first || is_spread_anew || is_failing {
            controller.mark_changed();
        }
        Ok(())
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller) {
        self.resolved = true;
        if self.children.is_empty() {
            self.resolver_error = Some(Arc::clone(error));
            controller.mark_changed();
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

    fn snapshot(&self, random: &mut dyn Random) -> Published {
        match self.state() {
            ConnectivityState::Ready => self.spread.published(self.children.ready().clone(), random),
            ConnectivityState::TransientFailure => Published::failing(self.failure()),
            state => Published::waiting(state),
        }
    }
}

#[cfg(test)]
mod tests;

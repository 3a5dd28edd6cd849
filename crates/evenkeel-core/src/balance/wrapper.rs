//! A policy around another one: it says what it does otherwise, and passes on all the rest.

use std::fmt;
use std::sync::Arc;

use super::{Controller, Policy, PolicyUpdate, Published, Random, Rejected, SubchannelUpdate, WakeToken};
use crate::state::ConnectivityState;
use crate::time::Time;

/// What a policy around another one does otherwise than that one alone.
pub trait Wrap: fmt::Debug + Send + 'static {
    /// An update came, with the settings of the wrapper: `inner` must be told it with settings of its own
    /// ([`PolicyUpdate::with_config`]), and perhaps with fewer endpoints.
    ///
    /// # Errors
    /// What `inner` says, or what the wrapper itself cannot go by.
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected>;

    /// One of the inner policy's subchannels changed its state.
    fn on_subchannel_state(
        &mut self,
        update: &SubchannelUpdate,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) {
        inner.on_subchannel_state(update, controller);
    }

    /// When [`Wrap::on_wakeup`] should be called next, whatever the inner policy wants: for what is done now and then.
    fn next_wakeup(&self) -> Option<Time> {
        None
    }

    /// The time that [`Wrap::next_wakeup`] named has come.
    fn on_wakeup(&mut self, inner: &mut dyn Policy, controller: &mut dyn Controller) {
        let _ = (inner, controller);
    }

    /// What the inner policy publishes, and what is made of it: a picker that asks its picker, for example.
    fn published(&self, inner: Published) -> Published {
        inner
    }
}

/// The policy that `W` makes of another one. What it does not say otherwise reaches that one: wake-ups and timers, too.
#[derive(Debug)]
pub struct Wrapper<W> {
    own: W,
    inner: Box<dyn Policy>,
}

impl<W: Wrap> Wrapper<W> {
    /// `own` around `inner`.
    pub fn new(own: W, inner: Box<dyn Policy>) -> Self {
        Self { own, inner }
    }
}

impl<W: Wrap> Policy for Wrapper<W> {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        self.own.on_update(update, &mut *self.inner, controller)
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller) {
        self.inner.on_resolver_error(error, controller);
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        self.own.on_subchannel_state(update, &mut *self.inner, controller);
    }

    fn exit_idle(&mut self, controller: &mut dyn Controller) {
        self.inner.exit_idle(controller);
    }

    fn on_wake(&mut self, token: WakeToken, controller: &mut dyn Controller) {
        self.inner.on_wake(token, controller);
    }

    fn next_wakeup(&self) -> Option<Time> {
        [self.own.next_wakeup(), self.inner.next_wakeup()].into_iter().flatten().min()
    }

    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        let now = controller.now();
        let is_due = |time: Option<Time>| time.is_some_and(|time| time <= now);
        if is_due(self.own.next_wakeup()) {
            self.own.on_wakeup(&mut *self.inner, controller);
        }
        if is_due(self.inner.next_wakeup()) {
            self.inner.on_wakeup(controller);
        }
    }

    fn state(&self) -> ConnectivityState {
        self.inner.state()
    }

    fn snapshot(&self, random: &mut dyn Random) -> Published {
        self.own.published(self.inner.snapshot(random))
    }
}

#[cfg(test)]
mod tests;

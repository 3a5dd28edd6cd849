//! `pick_first`: one connection at a time, to the first address that answers (gRFC A61, A62, A113).

mod addresses;
mod subchannels;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::picker::{PickFailure, noted};
use super::{
    CallInfo, Controller, Pick, Picker, Policy, PolicyConfig, PolicyUpdate, Published, Random, Rejected,
    SubchannelId, SubchannelUpdate,
};
use crate::cause::{Cause, CauseKind};
use crate::endpoint::Endpoint;
use crate::state::ConnectivityState;
use crate::time::Time;
use subchannels::Subchannels;

/// No attempt delay is shorter or longer than these (gRFC A61).
const MIN_ATTEMPT_DELAY: Duration = Duration::from_millis(100);
const MAX_ATTEMPT_DELAY: Duration = Duration::from_secs(2);

/// Settings of `pick_first`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PickFirstConfig {
    shuffle_address_list: bool,
}

/// Connects to one address of all there are and sends it every call.
///
/// Addresses are tried in the list's order, the families taking turns, each with a head start of one attempt delay
/// before the next is tried beside it ("happy eyeballs"). The first to be READY wins. When its connection ends, the
/// policy is IDLE until a call wants another.
#[derive(Debug)]
pub struct PickFirst {
    config: PickFirstConfig,
    subchannels: Subchannels,
    phase: Phase,
    /// What the last failed attempt or the resolver said.
    failure: Option<Cause>,
    /// The resolver's remark.
    note: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There are no addresses: none yet, or a list had none.
    Empty { resolved: bool },
    /// A call has to come first.
    Idle,
    /// The first pass over the list: every address before `current` has been tried.
    Pass {
        current: usize,
        /// When the address after `current` is tried too.
        next_attempt: Option<Time>,
        /// The pass before it failed: TRANSIENT_FAILURE sticks until READY (gRFC A62).
        failing: bool,
    },
    /// Every address has failed since the pass began; each is tried again whenever its backoff ends.
    Retrying {
        /// Failures since the picker was last renewed.
        failures: usize,
    },
    /// Calls go here.
    Selected(SubchannelId),
}

#[derive(Debug)]
struct SelectedPicker(SubchannelId);

impl PickFirstConfig {
    /// The name in a service config.
    pub const NAME: &'static str = "pick_first";

    /// Settings as they are by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether each new list of endpoints is shuffled, by weight, before it is tried (gRFC A62, A113). Default: off.
    ///
    /// The addresses inside one endpoint keep their order.
    #[must_use]
    pub fn shuffle_address_list(mut self, shuffle: bool) -> Self {
        self.shuffle_address_list = shuffle;
        self
    }
}

impl PolicyConfig for PickFirstConfig {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(PickFirst::new(self.clone()))
    }
}

impl PickFirst {
    /// A policy that has not heard of any address yet: calls wait.
    pub fn new(config: PickFirstConfig) -> Self {
        Self {
            config,
            subchannels: Subchannels::default(),
            phase: Phase::Empty { resolved: false },
            failure: None,
            note: None,
        }
    }

    /// Where calls go, while READY.
    pub(super) fn selected(&self) -> Option<SubchannelId> {
        match self.phase {
            Phase::Selected(id) => Some(id),
            _ => None,
        }
    }

    /// Why calls fail, if they do or did.
    pub(super) fn failure(&self) -> Option<&Cause> {
        self.failure.as_ref()
    }

    /// Gives up every subchannel.
    pub(super) fn shut_down(&mut self, controller: &mut dyn Controller) {
        self.subchannels.replace(Vec::new(), controller);
        self.enter(Phase::Empty { resolved: false }, controller);
    }

    /// The backends are now these.
    pub(super) fn on_endpoints(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller) {
        let shuffle = if self.config.shuffle_address_list { Some(controller.random()) } else { None };
        let addresses = addresses::in_order_of_attempts(endpoints, shuffle);
        self.subchannels.replace(addresses, controller);
        if self.subchannels.len() == 0 {
            self.failure = None;
            self.enter(Phase::Empty { resolved: true }, controller);
            return;
        }
        match self.phase {
            Phase::Empty { .. } => self.begin_pass(false, controller),
            Phase::Pass { failing, .. } => self.begin_pass(failing, controller),
            Phase::Retrying { .. } => self.begin_pass(true, controller),
            // The list that came is the fresh answer that the loss of a connection would otherwise ask for.
            Phase::Selected(id) if !self.subchannels.contains(id) => self.enter(Phase::Idle, controller),
            Phase::Selected(_) | Phase::Idle => {}
        }
    }

    fn enter(&mut self, phase: Phase, controller: &mut dyn Controller) {
        self.phase = phase;
        controller.mark_changed();
    }

    fn begin_pass(&mut self, failing: bool, controller: &mut dyn Controller) {
        let before = self.state();
        self.subchannels.forget_failures();
        self.try_from(0, failing, controller);
        if self.state() != before {
            controller.mark_changed();
        }
    }

    /// Tries the address at `current`, or the first one after it that is not known to fail.
    fn try_from(&mut self, mut current: usize, failing: bool, controller: &mut dyn Controller) {
        while let Some((id, state)) = self.subchannels.at(current, controller) {
            match state {
                // In its backoff since an earlier pass.
                ConnectivityState::TransientFailure => self.subchannels.mark_failed(current),
                ConnectivityState::Idle => {
                    controller.connect(id);
                    break;
                }
                _ => break,
            }
            current += 1;
        }
        let delay = controller.connection_attempt_delay().clamp(MIN_ATTEMPT_DELAY, MAX_ATTEMPT_DELAY);
        let next_attempt = (current + 1 < self.subchannels.len()).then(|| controller.now() + delay);
        self.phase = Phase::Pass { current, next_attempt, failing };
        self.end_pass_if_over(controller);
    }

    fn end_pass_if_over(&mut self, controller: &mut dyn Controller) {
        let Phase::Pass { current, .. } = self.phase else { return };
        if current < self.subchannels.len() || !self.subchannels.have_all_failed() {
            return;
        }
        self.failure = self.subchannels.last_failure().or(self.failure.take());
        self.enter(Phase::Retrying { failures: 0 }, controller);
        controller.request_resolution();
        for id in self.subchannels.idle() {
            controller.connect(id);
        }
    }

    fn select(&mut self, id: SubchannelId, controller: &mut dyn Controller) {
        self.subchannels.keep_only(id, controller);
        self.enter(Phase::Selected(id), controller);
    }

    fn on_retry(&mut self, failures: usize, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        match update.to {
            ConnectivityState::TransientFailure if failures + 1 >= self.subchannels.len() => {
                self.failure = update.cause.clone().or(self.failure.take());
                self.enter(Phase::Retrying { failures: 0 }, controller);
                controller.request_resolution();
            }
            ConnectivityState::TransientFailure => {
                self.phase = Phase::Retrying { failures: failures + 1 };
            }
            ConnectivityState::Idle => controller.connect(update.id),
            _ => {}
        }
    }

    fn why_not_ready(&self) -> Cause {
        let resolver = |text: &str| Cause::new(CauseKind::Resolver, text);
        match (&self.failure, &self.note, self.phase) {
            (Some(failure), _, Phase::Empty { .. }) => failure.clone(),
            (Some(failure), note, _) => {
                let text = format!("no address is READY; last error: {failure}");
                Cause::new(failure.kind(), noted(&text, note.as_ref()))
            }
            (None, Some(note), _) => resolver(note),
            (None, None, _) => resolver("no addresses: name resolution found none"),
        }
    }
}

impl Policy for PickFirst {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        let config: &dyn Any = update.config;
        if let Some(config) = config.downcast_ref() {
            self.config = PickFirstConfig::clone(config);
        }
        self.note = update.note.cloned();
        self.on_endpoints(update.endpoints, controller);
        Ok(())
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller) {
        let failure = Cause::new(CauseKind::Resolver, Arc::clone(error));
        match self.phase {
            Phase::Empty { .. } => {
                self.failure = Some(failure);
                self.enter(Phase::Empty { resolved: true }, controller);
            }
            // What is known stays in use; who is told of failures should hear of this one too.
            Phase::Retrying { .. } | Phase::Pass { failing: true, .. } => {
                self.failure = Some(failure);
                controller.mark_changed();
            }
            Phase::Idle | Phase::Pass { .. } | Phase::Selected(_) => {}
        }
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        let Some(index) = self.subchannels.on_update(update) else { return };
        if update.to == ConnectivityState::Ready {
            return self.select(update.id, controller);
        }
        match self.phase {
            Phase::Selected(_) => {
                self.enter(Phase::Idle, controller);
                controller.request_resolution();
            }
            Phase::Pass { current, failing, .. } if update.to == ConnectivityState::TransientFailure => {
                if index == current {
                    self.try_from(current + 1, failing, controller);
                } else {
                    self.end_pass_if_over(controller);
                }
            }
            Phase::Retrying { failures } => self.on_retry(failures, update, controller),
            Phase::Pass { .. } | Phase::Idle | Phase::Empty { .. } => {}
        }
    }

    fn exit_idle(&mut self, controller: &mut dyn Controller) {
        if self.phase == Phase::Idle {
            self.begin_pass(false, controller);
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        match self.phase {
            Phase::Pass { next_attempt, .. } => next_attempt,
            _ => None,
        }
    }

    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        if let Phase::Pass { current, next_attempt: Some(due), failing } = self.phase
            && due <= controller.now()
        {
            self.try_from(current + 1, failing, controller);
        }
    }

    fn state(&self) -> ConnectivityState {
        match self.phase {
            Phase::Selected(_) => ConnectivityState::Ready,
            Phase::Idle => ConnectivityState::Idle,
            Phase::Pass { failing: false, .. } | Phase::Empty { resolved: false } => {
                ConnectivityState::Connecting
            }
            Phase::Pass { .. } | Phase::Retrying { .. } | Phase::Empty { .. } => {
                ConnectivityState::TransientFailure
            }
        }
    }

    fn snapshot(&self, _: &mut dyn Random) -> Published {
        match (self.phase, self.state()) {
            (Phase::Selected(id), state) => Published::with_picker(state, SelectedPicker(id)),
            (_, ConnectivityState::TransientFailure) => {
                Published::failing(PickFailure::unavailable(self.why_not_ready()))
            }
            (_, state) => Published::waiting(state),
        }
    }
}

impl Picker for SelectedPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::go(self.0)
    }
}

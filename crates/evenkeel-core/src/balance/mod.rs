//! Which backend takes the next call?

mod children;
mod config;
#[cfg(test)]
mod fake;
mod feedback;
mod graceful_switch;
mod least_request;
mod owners;
mod petiole;
mod pick_first;
mod picker;
mod round_robin;
mod wrapper;

pub use config::{PolicyChoice, PolicyConfig, PolicyFactory, Registry, UnknownPolicy};
pub use feedback::{Feedback, Outcome, Track};
pub use graceful_switch::GracefulSwitch;
pub use least_request::LeastRequestConfig;
pub use pick_first::{PickFirst, PickFirstConfig};
pub(crate) use picker::noted;
pub use picker::{CallInfo, Headers, Pick, PickFailure, Picked, Picker, Published, WakeToken};
pub use round_robin::RoundRobinConfig;
pub use wrapper::{Wrap, Wrapper};

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::attributes::Attributes;
use crate::cause::Cause;
use crate::endpoint::{Address, Endpoint};
use crate::random::Random;
use crate::state::ConnectivityState;
use crate::time::Time;

/// The name of a subchannel: its place in the channel's table, so that a picked one is found without a lookup, and
/// which of the place's occupants it is.
///
/// A place is given out again after its subchannel was removed, a name is not: one that is out of date means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubchannelId {
    index: u32,
    generation: u32,
}

impl SubchannelId {
    /// The occupant `generation` of the place `index`.
    pub const fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    /// Its place in the channel's table.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// A load-balancing policy: it decides which subchannels exist and which of them takes a call.
///
/// Synchronous and single-threaded: the channel calls it, and it answers through the [`Controller`]. When something has
/// changed for calls it says so ([`Controller::mark_changed`]); when the channel has fed it everything there was, it is
/// asked for a [`Policy::snapshot`], once.
pub trait Policy: Any + fmt::Debug + Send {
    /// What the resolver says and the settings are now these, together; they replace the ones before.
    ///
    /// # Errors
    /// When the policy cannot go by them: it goes on by what it had, or fails calls. The resolver hears of it.
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected>;

    /// Nothing could be learnt about the backends. What the policy knows stays in use.
    fn on_resolver_error(&mut self, error: &Arc<str>, controller: &mut dyn Controller);

    /// One of the policy's subchannels changed its state.
    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller);

    /// A call waits, or the program wants a connection: whatever is IDLE should connect.
    fn exit_idle(&mut self, controller: &mut dyn Controller) {
        let _ = controller;
    }

    /// A call waits because a picker of this policy said [`Pick::Wake`] with this token. Comes once for each such call.
    fn on_wake(&mut self, token: WakeToken, controller: &mut dyn Controller) {
        let _ = (token, controller);
    }

    /// When [`Policy::on_wakeup`] should be called next.
    fn next_wakeup(&self) -> Option<Time> {
        None
    }

    /// The time that [`Policy::next_wakeup`] named has come.
    fn on_wakeup(&mut self, controller: &mut dyn Controller) {
        let _ = controller;
    }

    /// The channel's state, if this policy decided it. Asked for after each event: must be cheap.
    ///
    /// While it is IDLE, calls that have to wait make the channel call [`Policy::exit_idle`].
    fn state(&self) -> ConnectivityState;

    /// The state, and the picker that goes with it.
    ///
    /// Asked for when the policy takes over, and once per batch of events in which it marked a change.
    fn snapshot(&self, random: &mut dyn Random) -> Published;
}

/// What a policy is told about its backends, all at once (gRFC A74).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PolicyUpdate<'a> {
    /// The backends, all of them. None at all: the name has none.
    pub endpoints: &'a [Endpoint],
    /// The policy's settings. They come from a [`PolicyConfig`] of the name that the policy was built under.
    pub config: &'a dyn PolicyConfig,
    /// Facts that are about no endpoint by itself.
    pub attributes: &'a Attributes,
    /// The resolver's remark: of an empty list it says why, and any failure's text should end with it.
    pub note: Option<&'a Arc<str>>,
}

impl<'a> PolicyUpdate<'a> {
    /// These backends under these settings, and nothing else to say.
    pub fn new(endpoints: &'a [Endpoint], config: &'a dyn PolicyConfig) -> Self {
        static NO_ATTRIBUTES: Attributes = Attributes::NONE;
        Self { endpoints, config, attributes: &NO_ATTRIBUTES, note: None }
    }

    /// The same under other settings: what a policy that is made of policies tells them.
    #[must_use]
    pub fn with_config(self, config: &'a dyn PolicyConfig) -> Self {
        Self { config, ..self }
    }
}

/// Why a policy cannot go by an update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the load-balancing policy rejects what the resolver says: {0}")]
pub struct Rejected(pub Arc<str>);

/// What a policy may do: all of it, and no more. Implemented here alone.
pub trait Controller: sealed::Controller {
    /// Makes a subchannel to `address`, IDLE at first.
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId;

    /// Asks a subchannel to connect; nothing happens unless it is IDLE.
    fn connect(&mut self, id: SubchannelId);

    /// Gives a subchannel up. Its connection takes no new calls and ends with its last one.
    fn remove_subchannel(&mut self, id: SubchannelId);

    /// Asks for the name to be resolved again, when the resolver's pace allows.
    fn request_resolution(&mut self);

    /// The policy's state, or what calls should be told, is not what it was: a [`Policy::snapshot`] is due.
    fn mark_changed(&mut self);

    /// Now.
    fn now(&self) -> Time;

    /// How long one attempt to connect may take before the next address is tried beside it (gRFC A61).
    fn connection_attempt_delay(&self) -> Duration;

    /// Randomness.
    fn random(&mut self) -> &mut dyn Random;
}

pub(crate) mod sealed {
    /// Who implements it can be given more to do without breaking anybody.
    pub trait Controller {}
}

/// A subchannel's new state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubchannelUpdate {
    /// Which one.
    pub id: SubchannelId,
    /// The state it left.
    pub from: ConnectivityState,
    /// The state it entered.
    pub to: ConnectivityState,
    /// Why, when it failed or was lost.
    pub cause: Option<Cause>,
}

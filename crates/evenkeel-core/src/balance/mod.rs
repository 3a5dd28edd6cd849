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

pub use config::{PolicyChoice, PolicyConfig, PolicyFactory, Registry, UnknownPolicy};
pub use feedback::{Feedback, Outcome, Track};
pub use graceful_switch::GracefulSwitch;
pub use least_request::LeastRequestConfig;
pub use pick_first::{PickFirst, PickFirstConfig};
pub use picker::{CallInfo, Headers, Pick, PickFailure, Picked, Picker, Published, WakeToken};
pub use round_robin::RoundRobinConfig;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
/// Synchronous and single-threaded: the channel calls it, it answers through the [`Controller`] and, when the
/// channel has fed it everything there was, through [`Policy::take_published`].
pub trait Policy: Any + fmt::Debug + Send {
    /// The settings are now these. They come from a [`PolicyConfig`] of the name that this policy was built under.
    fn on_config(&mut self, config: &dyn PolicyConfig, controller: &mut dyn Controller) {
        let _ = (config, controller);
    }

    /// The backends are now these; the list replaces the one before.
    fn on_endpoints(&mut self, endpoints: &[Endpoint], controller: &mut dyn Controller);

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

    /// The state and the picker that goes with it, if either changed since the last time.
    ///
    /// Asked for once per batch of events, so that many changes make one picker.
    fn take_published(&mut self, random: &mut dyn Random) -> Option<Published>;
}

/// What a policy may do: all of it, and no more.
pub trait Controller {
    /// Makes a subchannel to `address`, IDLE at first.
    fn create_subchannel(&mut self, address: &Address) -> SubchannelId;

    /// Asks a subchannel to connect; nothing happens unless it is IDLE.
    fn connect(&mut self, id: SubchannelId);

    /// Gives a subchannel up. Its connection takes no new calls and ends with its last one.
    fn remove_subchannel(&mut self, id: SubchannelId);

    /// Asks for the name to be resolved again, when the resolver's pace allows.
    fn request_resolution(&mut self);

    /// Now.
    fn now(&self) -> Time;

    /// How long one attempt to connect may take before the next address is tried beside it (gRFC A61).
    fn connection_attempt_delay(&self) -> Duration;

    /// Randomness.
    fn random(&mut self) -> &mut dyn Random;
}

/// A subchannel's new state.
#[derive(Clone, Debug)]
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

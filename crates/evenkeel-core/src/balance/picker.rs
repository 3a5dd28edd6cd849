//! Pickers: a policy's decision, frozen so that any number of calls can use it at once.

use std::fmt;
use std::sync::Arc;

use super::SubchannelId;
use crate::state::ConnectivityState;

/// What a picker may know about a call.
#[derive(Clone, Copy, Debug)]
pub struct CallInfo<'a> {
    /// The full method path, `/package.Service/Method`.
    pub path: &'a str,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// To this subchannel. If it lost its connection meanwhile, the call waits for the next picker.
    Subchannel(SubchannelId),
    /// Nowhere yet: the call waits for the next picker.
    Queue,
    /// Nowhere: the call fails with UNAVAILABLE, unless it waits for ready.
    Fail(PickFailure),
    /// Nowhere: the call fails even if it waits for ready, and is not retried.
    Drop(PickFailure),
}

/// Why a picker has nowhere to send a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickFailure(pub Arc<str>);

/// A policy's decision for the calls of this moment.
pub trait Picker: fmt::Debug + Send + Sync {
    /// Decides about one call. Must not block.
    fn pick(&self, call: &CallInfo<'_>) -> Pick;
}

/// What a policy has come to: a state, and the picker that goes with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Published {
    /// The channel's state.
    pub state: ConnectivityState,
    /// Decides about calls until the next one is published.
    pub picker: Arc<dyn Picker>,
    /// Why nothing is READY, as far as the policy knows: for calls that wait longer than they can.
    pub failure: Option<Arc<str>>,
}

impl Published {
    /// READY: `picker` sends calls somewhere.
    pub fn ready(picker: impl Picker + 'static) -> Self {
        Self::with_picker(ConnectivityState::Ready, picker)
    }

    /// All calls wait, in this state: IDLE or CONNECTING.
    pub fn waiting(state: ConnectivityState) -> Self {
        Self::with_picker(state, QueuePicker)
    }

    /// TRANSIENT_FAILURE: calls fail with this, unless they wait for ready.
    pub fn failing(failure: PickFailure) -> Self {
        let cause = Some(Arc::clone(&failure.0));
        Self { failure: cause, ..Self::with_picker(ConnectivityState::TransientFailure, FailPicker(failure)) }
    }

    /// SHUTDOWN: calls fail with this for good.
    pub fn shut_down(failure: PickFailure) -> Self {
        let cause = Some(Arc::clone(&failure.0));
        Self { failure: cause, ..Self::with_picker(ConnectivityState::Shutdown, DropPicker(failure)) }
    }

    /// This state, with a picker of one's own.
    pub fn with_picker(state: ConnectivityState, picker: impl Picker + 'static) -> Self {
        Self { state, picker: Arc::new(picker), failure: None }
    }
}

/// Lets every call wait: for a channel that is IDLE or CONNECTING.
#[derive(Clone, Copy, Debug, Default)]
struct QueuePicker;

/// Fails every call with the same reason: for a channel in TRANSIENT_FAILURE.
#[derive(Clone, Debug)]
struct FailPicker(PickFailure);

/// Fails every call for good.
#[derive(Clone, Debug)]
struct DropPicker(PickFailure);

impl Picker for QueuePicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Queue
    }
}

impl Picker for FailPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Fail(self.0.clone())
    }
}

impl Picker for DropPicker {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Drop(self.0.clone())
    }
}

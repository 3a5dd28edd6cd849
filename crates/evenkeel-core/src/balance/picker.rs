//! Pickers: a policy's decision, frozen so that any number of calls can use it at once.

use std::fmt;
use std::sync::Arc;

use super::SubchannelId;

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

/// Lets every call wait: for a channel that is IDLE or CONNECTING.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueuePicker;

/// Fails every call with the same reason: for a channel in TRANSIENT_FAILURE.
#[derive(Clone, Debug)]
pub(super) struct FailPicker(pub(super) PickFailure);

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

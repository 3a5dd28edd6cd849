//! What a channel's calls and its driver share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use evenkeel_core::balance::{PickFailure, Picker, Published};
use evenkeel_core::state::ConnectivityState;
use tokio::sync::watch;
use tonic::Status;

use super::subchannel::Subchannels;

/// What calls are told after a channel was closed.
pub(super) const CLOSED: &str = "the channel was closed";

/// One moment of a channel: the picker and the subchannels that its picks name.
pub(super) struct Snapshot {
    pub(super) generation: u64,
    pub(super) state: ConnectivityState,
    pub(super) picker: Arc<dyn Picker>,
    /// Why nothing is READY, as far as that is known.
    failure: Option<Arc<str>>,
    pub(super) subchannels: Subchannels,
}

/// What calls read and the driver writes.
pub(super) struct Shared {
    snapshot: ArcSwap<Snapshot>,
    /// The published generation, for calls that wait for the next one.
    generation: watch::Sender<u64>,
    state: watch::Sender<ConnectivityState>,
    /// Set once, when the channel is closed by force: connections end at once.
    pub(super) cut: watch::Sender<bool>,
    pub(super) activity: Activity,
}

/// How busy the channel is, for its idle timeout.
#[derive(Debug, Default)]
pub(super) struct Activity {
    started: AtomicU64,
    running: AtomicUsize,
}

/// Counts as a running call until dropped.
#[derive(Debug)]
pub(super) struct RunningCall(Arc<Shared>);

impl Shared {
    pub(super) fn new() -> Self {
        let Published { state, picker, failure, .. } = Published::waiting(ConnectivityState::Idle);
        let first = Snapshot { generation: 0, state, picker, failure, subchannels: Subchannels::default() };
        Self {
            snapshot: ArcSwap::from_pointee(first),
            generation: watch::Sender::new(0),
            state: watch::Sender::new(ConnectivityState::Idle),
            cut: watch::Sender::new(false),
            activity: Activity::default(),
        }
    }

    pub(super) fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    pub(super) fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    pub(super) fn states(&self) -> watch::Receiver<ConnectivityState> {
        self.state.subscribe()
    }

    /// Publishes the next moment; returns the state before it.
    pub(super) fn publish(
        &self,
        Published { state, picker, failure, .. }: Published,
        subchannels: Subchannels,
    ) -> ConnectivityState {
        let generation = *self.generation.borrow() + 1;
        self.snapshot.store(Arc::new(Snapshot { generation, state, picker, failure, subchannels }));
        self.generation.send_replace(generation);
        self.state.send_replace(state)
    }

    /// Ends the channel for all calls; `reason` is what they are told.
    pub(super) fn publish_shutdown(&self, reason: &str) -> ConnectivityState {
        self.publish(Published::shut_down(PickFailure(reason.into())), Subchannels::default())
    }

    /// Why nothing is READY, as far as that is known.
    pub(super) fn failure(&self) -> Option<Arc<str>> {
        self.snapshot().failure.clone()
    }

    /// A call that a closed channel cut off was cancelled, whatever its connection says.
    pub(super) fn cut_or(&self, status: Status) -> Status {
        if *self.cut.borrow() { Status::cancelled(CLOSED) } else { status }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

impl RunningCall {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        shared.activity.started.fetch_add(1, Ordering::Relaxed);
        shared.activity.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.0.activity.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    /// Calls started so far; `None` while calls are running.
    pub(super) fn quiet_since(&self) -> Option<u64> {
        let running = self.running.load(Ordering::Relaxed);
        (running == 0).then(|| self.started.load(Ordering::Relaxed))
    }
}

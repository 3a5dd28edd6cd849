//! What a channel's calls and its driver share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use evenkeel_core::balance::{PickFailure, Picker, Published};
use evenkeel_core::cause::{Cause, CauseKind};
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
    failure: Option<Cause>,
    pub(super) subchannels: Subchannels,
}

/// What calls read and the driver writes.
pub(super) struct Shared {
    snapshot: ArcSwap<Snapshot>,
    /// For those who wait: calls for the next snapshot, the program for another state.
    moment: watch::Sender<Moment>,
    /// Set once, when the channel is closed by force: connections end at once.
    pub(super) cut: watch::Sender<bool>,
    pub(super) activity: Activity,
}

/// Which snapshot is there, and the channel's state in it. It never runs ahead of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) generation: u64,
    pub(super) state: ConnectivityState,
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
            moment: watch::Sender::new(Moment { generation: 0, state: ConnectivityState::Idle }),
            cut: watch::Sender::new(false),
            activity: Activity::default(),
        }
    }

    pub(super) fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    pub(super) fn state(&self) -> ConnectivityState {
        self.moment.borrow().state
    }

    pub(super) fn moments(&self) -> watch::Receiver<Moment> {
        self.moment.subscribe()
    }

    /// Publishes the next moment; returns the state before it.
    pub(super) fn publish(
        &self,
        Published { state, picker, failure, .. }: Published,
        subchannels: Subchannels,
    ) -> ConnectivityState {
        let generation = self.moment.borrow().generation + 1;
        self.snapshot.store(Arc::new(Snapshot { generation, state, picker, failure, subchannels }));
        self.moment.send_replace(Moment { generation, state }).state
    }

    /// Ends the channel for all calls; `reason` is what they are told.
    pub(super) fn publish_shutdown(&self, reason: &str) -> ConnectivityState {
        self.publish(
            Published::shut_down(PickFailure::unavailable(Cause::new(CauseKind::Shutdown, reason))),
            Subchannels::default(),
        )
    }

    /// Why nothing is READY, as far as that is known.
    pub(super) fn failure(&self) -> Option<Cause> {
        self.snapshot().failure.clone()
    }

    /// Whether the channel was closed by force.
    pub(super) fn is_cut(&self) -> bool {
        *self.cut.borrow()
    }

    /// A call that a closed channel cut off was cancelled, whatever its connection says.
    pub(super) fn cut_or(&self, status: Status) -> Status {
        if self.is_cut() { Status::cancelled(CLOSED) } else { status }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &self.state()).finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, OnceLock, Weak};

    use evenkeel_core::balance::{CallInfo, Pick};

    use super::*;

    /// Looks at the channel when it is replaced, which is as far into a publication as anybody can look.
    #[derive(Debug)]
    struct Witness {
        shared: OnceLock<Weak<Shared>>,
        seen: Mutex<Vec<(ConnectivityState, ConnectivityState)>>,
    }

    #[derive(Debug)]
    struct Watched(Arc<Witness>);

    impl Picker for Watched {
        fn pick(&self, _: &CallInfo<'_>) -> Pick {
            Pick::Queue
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let Some(shared) = self.0.shared.get().and_then(Weak::upgrade) else { return };
            let pair = (shared.state(), shared.moments().borrow().state);
            self.0.seen.lock().unwrap().push(pair);
        }
    }

    #[test]
    fn who_asks_for_the_state_and_who_waits_for_another_are_told_the_same() {
        let shared = Arc::new(Shared::new());
        let witness = Arc::new(Witness { shared: OnceLock::new(), seen: Mutex::default() });
        witness.shared.set(Arc::downgrade(&shared)).unwrap();
        for state in [ConnectivityState::Connecting, ConnectivityState::Ready, ConnectivityState::Idle] {
            let mut published = Published::waiting(state);
            published.picker = Arc::new(Watched(Arc::clone(&witness)));
            shared.publish(published, Subchannels::default());
        }
        let seen = witness.seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|(asked, waited)| asked == waited), "{seen:?}");
    }
}

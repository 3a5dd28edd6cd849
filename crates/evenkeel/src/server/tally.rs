//! How many calls ended, and how.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http2::server::{Outcome, Responder};

/// A server's counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    answered: AtomicU64,
    cut: AtomicU64,
}

/// One running call. Dropped without an outcome, it was cut by us.
#[derive(Debug)]
pub(super) struct CallGuard {
    tally: Arc<Tally>,
    ended: bool,
}

impl Tally {
    /// Calls whose answer was handed to the connection whole.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Calls that were ended before their answer was complete, by a deadline, a stop or an expired grace.
    pub(super) fn cut(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }
}

impl CallGuard {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        Self { tally, ended: false }
    }

    /// The call is sent back to its client unseen: it was neither answered nor cut.
    pub(super) fn on_refused(mut self, responder: Responder) {
        self.ended = true;
        responder.refuse();
    }

    pub(super) fn on_outcome(mut self, outcome: Outcome) {
        self.ended = true;
        if outcome == Outcome::Answered {
            self.tally.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.tally.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
}

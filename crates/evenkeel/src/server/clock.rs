//! The bridge between the runtime's clock and the deciding code's time.

use evenkeel_core::time::Time;
use tokio::time::Instant;

/// Measures from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(super) fn now(&self) -> Time {
        Time::after_origin(self.origin.elapsed())
    }

    /// `None` for a time beyond what the runtime can count to: a timer for it is not needed.
    pub(super) fn instant(&self, time: Time) -> Option<Instant> {
        self.origin.checked_add(time.since_origin())
    }
}

//! The bridge between the runtime's clock and the deciding code's time.

use std::future::pending;
use std::time::Duration;

use evenkeel_core::time::Time;
use tokio::time::{Instant, sleep_until};

/// Thirty years, as tokio itself has it.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Measures from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(crate) fn now(&self) -> Time {
        Time::after_origin(self.origin.elapsed())
    }

    /// `None` for a time beyond what the runtime can count to: a timer for it is not needed.
    pub(crate) fn instant(&self, time: Time) -> Option<Instant> {
        self.origin.checked_add(time.since_origin())
    }

    /// A deadline at `time`; for one beyond what the runtime can count to, one that nobody lives to see.
    pub(crate) fn deadline(&self, time: Time) -> Instant {
        self.instant(time).unwrap_or_else(|| Instant::now() + FAR)
    }

    /// Waits for `time`; for ever if it never comes.
    pub(crate) async fn sleep_until(self, time: Option<Time>) {
        match time.and_then(|time| self.instant(time)) {
            Some(instant) => sleep_until(instant).await,
            None => pending().await,
        }
    }
}

//! The channel's own word on when it looks names up again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::{Event, Observer};

/// Notes the effective interval after each good answer.
#[derive(Debug, Default)]
pub(crate) struct Intervals(Mutex<Vec<(Instant, Duration)>>);

impl Intervals {
    /// The interval in effect at `moment`.
    pub(crate) fn at(&self, moment: Instant) -> Option<Duration> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().rev().find(|(told, _)| *told <= moment).map(|(_, next)| *next)
    }

    fn note(&self, now: Instant, next: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((now, next));
    }
}

impl Observer for Intervals {
    fn on_event(&self, event: &Event) {
        if let Event::Resolved { next: Some(next), .. } = event {
            self.note(Instant::now(), *next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Intervals};

    #[test]
    fn the_interval_in_effect() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let intervals = Intervals::default();
        intervals.note(at(1), Duration::from_secs(5));
        intervals.note(at(6), Duration::from_secs(4));
        assert_eq!(intervals.at(at(0)), None);
        assert_eq!(intervals.at(at(5)), Some(Duration::from_secs(5)));
        assert_eq!(intervals.at(at(7)), Some(Duration::from_secs(4)));
    }
}

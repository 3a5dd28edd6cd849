//! The channel's own word on what its lookups found, and on when it looks again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::event::{ResolutionFailed, Resolved};
use evenkeel::{Event, Observer};

/// How long a DNS server may keep silent before it is asked again: resolv.conf's default.
const PATIENCE: Duration = Duration::from_secs(5);

/// Notes each lookup's outcome that was told with the time to the next.
#[derive(Debug, Default)]
pub(crate) struct Lookups(Mutex<Vec<Told>>);

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    found: bool,
    next: Duration,
}

impl Lookups {
    /// The interval in effect at `moment`: what the good answer before it said.
    pub(crate) fn interval(&self, moment: Instant) -> Option<Duration> {
        let told = self.told();
        told.iter().rev().find(|told| told.found && told.at <= moment).map(|told| told.next)
    }

    /// The delays told after each failed lookup of the outage that ended at `back`, in order.
    pub(crate) fn retries(&self, back: Instant) -> Vec<Duration> {
        self.failures(back).into_iter().map(|told| told.next).collect()
    }

    /// How long after `back`, when DNS answered again, the channel must at the latest have asked it.
    ///
    /// It asks when the delay that it told last is over. If that was before `back`, its question is in the hands of a
    /// silent server, and is put again each time its patience ends.
    pub(crate) fn asks_within(&self, back: Instant) -> Option<Duration> {
        let last = self.failures(back).pop()?;
        let mut due = last.at + last.next;
        while due < back {
            due += PATIENCE;
        }
        Some(due - back)
    }

    fn failures(&self, back: Instant) -> Vec<Told> {
        let mut told = self.told();
        let recovered = told.iter().position(|told| told.found && told.at >= back);
        told.truncate(recovered.unwrap_or(told.len()));
        let last_found = told.iter().rposition(|told| told.found);
        told.split_off(last_found.map_or(0, |index| index + 1))
    }

    fn told(&self) -> Vec<Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, at: Instant, found: bool, next: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Told { at, found, next });
    }
}

impl Observer for Lookups {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Resolved(Resolved { next: Some(next), .. }) => self.note(Instant::now(), true, *next),
            Event::ResolutionFailed(ResolutionFailed { next: Some(next), .. }) => {
                self.note(Instant::now(), false, *next);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Lookups};

    /// Lookups told at so many seconds, whether they found something, and the seconds to the next.
    fn lookups(start: Instant, told: &[(u64, bool, u64)]) -> Lookups {
        let lookups = Lookups::default();
        for &(at, found, next) in told {
            lookups.note(start + seconds(at), found, seconds(next));
        }
        lookups
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_interval_in_effect() {
        let start = Instant::now();
        let lookups = lookups(start, &[(1, true, 5), (6, true, 4), (9, false, 1)]);
        assert_eq!(lookups.interval(start), None);
        assert_eq!(lookups.interval(start + seconds(5)), Some(seconds(5)));
        assert_eq!(lookups.interval(start + seconds(10)), Some(seconds(4)), "a failure tells no interval");
    }

    #[test]
    fn the_retries_of_an_outage() {
        let start = Instant::now();
        let told = [(1, true, 5), (6, false, 1), (7, false, 2), (9, true, 5), (20, false, 1), (22, true, 5)];
        let lookups = lookups(start, &told);
        assert_eq!(lookups.retries(start + seconds(8)), [seconds(1), seconds(2)]);
        assert_eq!(lookups.retries(start + seconds(21)), [seconds(1)], "an earlier outage is another");
    }

    #[test]
    fn when_it_must_ask_again() {
        let start = Instant::now();
        let asks = |told: &[_], back| lookups(start, told).asks_within(start + seconds(back));
        assert_eq!(asks(&[(1, true, 5)], 4), None, "there was no outage");
        assert_eq!(asks(&[(6, false, 4)], 8), Some(seconds(2)));
        assert_eq!(asks(&[(6, false, 4)], 12), Some(seconds(3)), "asked at 10, and again at 15");
        assert_eq!(asks(&[(6, false, 4)], 18), Some(seconds(2)), "and again at 20");
        assert_eq!(asks(&[(6, false, 4), (20, false, 6)], 18), Some(seconds(8)), "that lookup failed too");
        assert_eq!(asks(&[(6, false, 4), (11, true, 5), (17, false, 9)], 10), Some(seconds(0)));
    }
}

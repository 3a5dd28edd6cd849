//! All that is counted of a load's calls: in sum, and where somebody asks, by the interval and over time.

use std::time::Duration;

use crate::tally::{Outcome, Summary, Tally};
use crate::timeline::Timeline;

#[derive(Debug, Default)]
pub(crate) struct Counts {
    total: Tally,
    interval: Option<Interval>,
    timeline: Option<Timeline>,
}

#[derive(Debug, Default)]
struct Interval {
    began: Duration,
    tally: Tally,
}

impl Counts {
    pub(crate) fn by_interval(&mut self) {
        self.interval = Some(Interval::default());
    }

    pub(crate) fn over_time(&mut self) {
        self.timeline = Some(Timeline::default());
    }

    pub(crate) fn on_outcome(&mut self, outcome: Outcome) {
        if let Some(timeline) = &mut self.timeline {
            timeline.on_outcome(&outcome);
        }
        if let Some(interval) = &mut self.interval {
            interval.tally.on_outcome(outcome.clone());
        }
        self.total.on_outcome(outcome);
    }

    pub(crate) fn total(&self, target: &str, elapsed: Duration) -> Summary {
        self.total.summary(target, elapsed)
    }

    /// The interval that ends `now`; the next one begins.
    pub(crate) fn take_interval(&mut self, target: &str, now: Duration) -> Summary {
        let next = Interval { began: now, tally: Tally::default() };
        let Interval { began, tally } = self.interval.replace(next).unwrap_or_default();
        tally.summary(target, now.saturating_sub(began))
    }

    pub(crate) fn timeline(&self, now: Duration) -> Timeline {
        self.timeline.clone().unwrap_or_default().until(now)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::{Counts, Duration, Outcome};

    fn outcome(at: u64) -> Outcome {
        let at = Duration::from_secs(at);
        Outcome {
            started: at,
            at,
            latency: Duration::ZERO,
            code: Code::Ok,
            served_by: None,
            failed_on: None,
            message: String::new(),
        }
    }

    #[test]
    fn intervals_follow_one_another_and_the_sum_goes_on() {
        let mut counts = Counts::default();
        counts.by_interval();
        counts.on_outcome(outcome(1));
        counts.on_outcome(outcome(2));
        let first = counts.take_interval("a:1", Duration::from_secs(10));
        assert_eq!((first.calls, first.elapsed.as_secs()), (2, 10));
        counts.on_outcome(outcome(12));
        let second = counts.take_interval("a:1", Duration::from_secs(14));
        assert_eq!((second.calls, second.elapsed.as_secs()), (1, 4));
        assert_eq!(counts.total("a:1", Duration::from_secs(14)).calls, 3);
    }
}

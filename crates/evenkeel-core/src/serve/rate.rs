//! How often something may happen: a token bucket.

use std::time::Duration;

use crate::time::Time;

/// So much at once, and so much more each second after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often at once.
    pub burst: u64,
    /// How often in each further second.
    pub per_second: u64,
}

/// What of a [`Rate`] is used up.
#[derive(Clone, Debug)]
pub struct RateLimit {
    rate: Rate,
    /// In thousandths, so that fractions of a second count.
    left: u64,
    since: Time,
}

impl RateLimit {
    /// A limit of which nothing is used up.
    pub fn new(rate: Rate, now: Time) -> Self {
        Self { rate, left: rate.burst.saturating_mul(1000), since: now }
    }

    /// It happened `count` times more; returns whether that was too often.
    pub fn is_exceeded_by(&mut self, count: u64, now: Time) -> bool {
        let passed = now.since(self.since);
        let earned =
            u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).saturating_mul(self.rate.per_second);
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(self.rate.burst.saturating_mul(1000));
            // The part of a millisecond that was not counted is not lost.
            self.since = Time::after_origin(now.since_origin().saturating_sub(sub_millisecond(passed)));
        }
        let cost = count.saturating_mul(1000);
        let exceeded = cost > self.left;
        self.left = self.left.saturating_sub(cost);
        exceeded
    }
}

fn sub_millisecond(passed: Duration) -> Duration {
    Duration::from_nanos(u64::from(passed.subsec_nanos() % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::after_origin(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut limit = RateLimit::new(Rate { burst: 10, per_second: 5 }, at(0));
        assert!(!limit.is_exceeded_by(10, at(0)));
        assert!(limit.is_exceeded_by(1, at(0)));
        assert!(limit.is_exceeded_by(1, at(199)));
        assert!(!limit.is_exceeded_by(1, at(401)));
        assert!(!limit.is_exceeded_by(10, at(60_000)), "no more than a burst is saved up");
        assert!(limit.is_exceeded_by(1, at(60_000)));
    }

    #[test]
    fn looking_often_loses_nothing() {
        let mut limit = RateLimit::new(Rate { burst: 1, per_second: 1 }, at(0));
        assert!(!limit.is_exceeded_by(1, at(0)));
        for micros in (0..1_000_000).step_by(700) {
            let _ = limit.is_exceeded_by(0, Time::after_origin(Duration::from_micros(micros)));
        }
        assert!(!limit.is_exceeded_by(1, at(1001)));
    }
}

//! How long to wait between attempts to connect (gRPC connection backoff).

use std::time::Duration;

use crate::random::{Random, jittered};

/// The delays between connection attempts to one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// From the start of a first failed attempt to the start of the next one. Default 1 s.
    pub initial: Duration,
    /// What the delay grows by with each further failure. Default 1.6.
    pub multiplier: f64,
    /// The share by which each delay is varied, either way. Default 0.2.
    ///
    /// With 0, all clients of a server that restarts come back in the same instant.
    pub jitter: f64,
    /// No delay is longer, before jitter. Default 120 s.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), multiplier: 1.6, jitter: 0.2, max: Duration::from_secs(120) }
    }
}

impl Backoff {
    /// The delay after `failures` attempts that failed before this one.
    pub fn delay(&self, failures: u32, random: &mut dyn Random) -> Duration {
        jittered(random, self.unjittered(failures), self.jitter)
    }

    fn unjittered(&self, failures: u32) -> Duration {
        let max = self.max.as_secs_f64();
        let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        // An overflow to infinity means "long ago past the cap".
        Duration::try_from_secs_f64(grown.min(max)).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn middle() -> impl Random {
        || u64::MAX / 2
    }

    #[test]
    fn grows_by_the_multiplier_up_to_the_cap() {
        let delays: Vec<f64> =
            (0..15).map(|n| Backoff::default().delay(n, &mut middle()).as_secs_f64()).collect();
        for (got, want) in delays.iter().zip([1.0, 1.6, 2.56, 4.096, 6.5536]) {
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
        assert!((delays[14] - 120.0).abs() < 1e-6);
    }

    #[test]
    fn jitter_reaches_both_ends_and_no_further() {
        let mut lowest = || 0;
        let mut highest = || u64::MAX;
        assert_eq!(Backoff::default().delay(0, &mut lowest), Duration::from_millis(800));
        let high = Backoff::default().delay(0, &mut highest);
        assert!(high > Duration::from_millis(1199) && high <= Duration::from_millis(1200), "{high:?}");
    }

    #[test]
    fn absurd_failure_counts_stay_at_the_cap() {
        assert!(Backoff::default().delay(u32::MAX, &mut middle()) <= Duration::from_secs(144));
    }
}

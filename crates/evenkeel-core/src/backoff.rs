//! How long to wait between attempts to connect (gRPC connection backoff).

use std::time::Duration;

use crate::random::{Random, jittered};

/// A shorter first delay would be a dial loop.
const SHORTEST: Duration = Duration::from_millis(10);
/// With more, some delays would be next to nothing.
const MOST_JITTER: f64 = 0.9;

/// The delays between connection attempts to one address. Whatever it is given, it is one that can be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    initial: Duration,
    multiplier: f64,
    jitter: f64,
    max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl Backoff {
    /// Delays as gRPC has them: 1 s, ×1.6, ±20 %, at most 120 s.
    pub const fn new() -> Self {
        Self { initial: Duration::from_secs(1), multiplier: 1.6, jitter: 0.2, max: Duration::from_secs(120) }
    }

    /// From the start of a first failed attempt to the start of the next one. Default: 1 s; held to 10 ms at least.
    #[must_use]
    pub fn initial(self, initial: Duration) -> Self {
        Self { initial: initial.max(SHORTEST), ..self }
    }

    /// What the delay grows by with each further failure. Default: 1.6; held to 1 at least, and not a number is 1.6.
    #[must_use]
    pub fn multiplier(self, multiplier: f64) -> Self {
        let multiplier = if multiplier.is_nan() { Self::default().multiplier } else { multiplier.max(1.0) };
        Self { multiplier, ..self }
    }

    /// The share by which each delay is varied, either way. Default: 0.2; held to 0 to 0.9, and not a number is 0.2.
    ///
    /// With 0, all clients of a server that restarts come back in the same instant.
    #[must_use]
    pub fn jitter(self, jitter: f64) -> Self {
        let jitter = if jitter.is_nan() { Self::default().jitter } else { jitter.clamp(0.0, MOST_JITTER) };
        Self { jitter, ..self }
    }

    /// No delay is longer, before jitter. Default: 120 s; held to the first delay at least.
    #[must_use]
    pub fn max(self, max: Duration) -> Self {
        Self { max, ..self }
    }

    /// The delay after `failures` attempts that failed before this one.
    pub fn delay(&self, failures: u32, random: &mut dyn Random) -> Duration {
        jittered(random, self.unjittered(failures), self.jitter)
    }

    fn unjittered(&self, failures: u32) -> Duration {
        grown(self.initial, self.multiplier, failures, self.max.max(self.initial))
    }
}

/// `initial` × `multiplier`^`times`, at most `max`.
pub(crate) fn grown(initial: Duration, multiplier: f64, times: u32, max: Duration) -> Duration {
    let exponent = i32::try_from(times).unwrap_or(i32::MAX);
    let grown = initial.as_secs_f64() * multiplier.powi(exponent);
    // An overflow to infinity means "long ago past the cap".
    Duration::try_from_secs_f64(grown.min(max.as_secs_f64())).unwrap_or(max)
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
    fn whatever_it_is_given_delays_are_no_loop() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300];
        let times = [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX];
        for (a, b) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
            for (initial, max) in times.into_iter().flat_map(|a| times.map(|b| (a, b))) {
                let backoff = Backoff::new().initial(initial).multiplier(a).jitter(b).max(max);
                for failures in [0, 1, 2, 100, u32::MAX] {
                    assert!(backoff.delay(failures, &mut || 0) >= Duration::from_micros(900), "{backoff:?}");
                }
            }
        }
    }

    #[test]
    fn absurd_failure_counts_stay_at_the_cap() {
        assert!(Backoff::default().delay(u32::MAX, &mut middle()) <= Duration::from_secs(144));
    }
}

//! Latencies in a fixed space: exact to 1 % from a microsecond to hours.

use std::time::Duration;

/// Each power of two is cut into this many equal buckets, so a bucket is no wider than 1/128 of its values.
const BUCKETS_PER_OCTAVE: u64 = 128;
const OCTAVE_BITS: u32 = BUCKETS_PER_OCTAVE.trailing_zeros();

/// A log-linear histogram of durations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Histogram {
    pub(crate) fn record(&mut self, value: Duration) {
        let index = bucket(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// The longest duration, exactly; `None` when there is none.
    pub(crate) fn max(&self) -> Option<Duration> {
        (self.total > 0).then_some(self.max)
    }

    /// The least duration (rounded up to its bucket's end) that `share` (0–1) of all do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Some(Duration::from_micros(upper_bound(index)).min(self.max));
            }
        }
        None
    }
}

fn bucket(micros: u64) -> usize {
    let octave = (micros | (BUCKETS_PER_OCTAVE - 1)).ilog2() + 1 - OCTAVE_BITS;
    let index = match octave {
        0 => micros,
        _ => {
            let shift = octave - 1;
            u64::from(octave) * BUCKETS_PER_OCTAVE + (micros >> shift) - BUCKETS_PER_OCTAVE
        }
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The greatest value in a bucket.
fn upper_bound(index: usize) -> u64 {
    let index = index as u64;
    match index / BUCKETS_PER_OCTAVE {
        0 => index,
        octave => {
            let first = (index % BUCKETS_PER_OCTAVE) + BUCKETS_PER_OCTAVE;
            ((u128::from(first + 1) << (octave - 1)) - 1).try_into().unwrap_or(u64::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Histogram, bucket, upper_bound};

    #[test]
    fn buckets_follow_on_one_another_and_are_narrow() {
        let mut previous = None;
        for value in (0..100_000).chain([u64::MAX / 3, u64::MAX]) {
            let index = bucket(value);
            assert!(upper_bound(index) >= value, "{value}");
            assert!(
                upper_bound(index) - value <= value / 100,
                "{value} in a bucket up to {}",
                upper_bound(index)
            );
            if let Some(previous) = previous {
                assert!(index == previous || index == previous + 1 || value > 100_000, "{value}");
            }
            previous = Some(index);
        }
    }

    #[test]
    fn quantiles() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        assert_eq!(histogram.max(), None);
        for milliseconds in 1..=100 {
            histogram.record(Duration::from_millis(milliseconds));
        }
        for (share, milliseconds) in [(0.0, 1.0), (0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (1.0, 100.0)] {
            let value = histogram.quantile(share).map_or(0.0, |d| d.as_secs_f64() * 1e3);
            assert!((milliseconds..milliseconds * 1.01).contains(&value), "{share}: {value}");
        }
        assert_eq!(histogram.max(), Some(Duration::from_millis(100)));
    }
}

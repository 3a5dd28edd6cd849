//! What `load --assert` can demand.

use std::fmt;
use std::time::Duration;

use super::duration;

/// One demand on a whole run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Assertion {
    /// No pod gets more than this part of all calls that were made to a pod, 0–1.
    MaxShare(f64),
    /// So many pods answer, no more and no fewer.
    Pods(usize),
    /// So many calls fail at most.
    Failed(u64),
    /// So long calls take at most, those that fail included.
    Latency(Quantile, Duration),
}

/// A part of all calls: how many of them a limit of latency speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantile {
    P50,
    P90,
    P99,
    P999,
    Max,
}

/// What can be demanded, by example.
const USE: &str =
    "use max-share=0.4, pods=5, failed=0, or p50, p90, p99, p999 or max with a duration, as in p99=10ms";

/// Parses `WHAT=VALUE`.
///
/// # Errors
/// Says what can be demanded.
pub(crate) fn parse(text: &str) -> Result<Assertion, String> {
    let parsed = match text.split_once('=') {
        Some(("max-share", value)) => {
            let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
            return share
                .map(Assertion::MaxShare)
                .ok_or("max-share is a part of 1, for example 0.4".to_owned());
        }
        Some(("pods", value)) => value.parse().ok().map(Assertion::Pods),
        Some(("failed", value)) => value.parse().ok().map(Assertion::Failed),
        Some((word, value)) => {
            let quantile = Quantile::named(word).ok_or(USE)?;
            let most = duration::parse_positive(value).map_err(|error| format!("{word}: {error}"))?;
            return Ok(Assertion::Latency(quantile, most));
        }
        None => return Err(USE.to_owned()),
    };
    parsed.ok_or("the value is a whole number, for example pods=5 or failed=0".to_owned())
}

impl Quantile {
    const ALL: [(&'static str, Self); 5] = [
        ("p50", Self::P50),
        ("p90", Self::P90),
        ("p99", Self::P99),
        ("p999", Self::P999),
        ("max", Self::Max),
    ];

    fn named(word: &str) -> Option<Self> {
        // Some tools write it so.
        let word = if word == "p99.9" { "p999" } else { word };
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, quantile)| *quantile)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, quantile)| *quantile == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxShare(share) => write!(f, "max-share={share}"),
            Self::Pods(pods) => write!(f, "pods={pods}"),
            Self::Failed(failed) => write!(f, "failed={failed}"),
            Self::Latency(quantile, most) => write!(f, "{}={}", quantile.name(), duration::short(*most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Assertion, Duration, Quantile, parse};

    #[test]
    fn assertions() {
        for (text, assertion) in [
            ("max-share=0.4", Assertion::MaxShare(0.4)),
            ("max-share=1", Assertion::MaxShare(1.0)),
            ("pods=5", Assertion::Pods(5)),
            ("failed=0", Assertion::Failed(0)),
            ("p50=500us", Assertion::Latency(Quantile::P50, Duration::from_micros(500))),
            ("p90=1500ms", Assertion::Latency(Quantile::P90, Duration::from_millis(1500))),
            ("p99=10ms", Assertion::Latency(Quantile::P99, Duration::from_millis(10))),
            ("p999=2s", Assertion::Latency(Quantile::P999, Duration::from_secs(2))),
            ("max=1s", Assertion::Latency(Quantile::Max, Duration::from_secs(1))),
        ] {
            assert_eq!(parse(text), Ok(assertion));
            assert_eq!(assertion.to_string(), text);
        }
        assert_eq!(parse("p99.9=1s"), parse("p999=1s"));
        for bad in ["p99", "p99=", "p99=10", "p99=0s", "p98=10ms", "p99=-1s", "max=x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "pods", "pods=", "pods=-1", "max-share=1.1", "max-share=NaN", "failed=x", "errors=0"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

//! What `load --assert` can demand.

use std::fmt;

/// One demand on a whole run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Assertion {
    /// No pod answers more than this part of all answered calls, 0–1.
    MaxShare(f64),
    /// So many pods answer, no more and no fewer.
    Pods(usize),
    /// So many calls fail at most.
    Failed(u64),
}

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
        _ => return Err("use max-share=0.4, pods=5 or failed=0".to_owned()),
    };
    parsed.ok_or("the value is a whole number, for example pods=5 or failed=0".to_owned())
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxShare(share) => write!(f, "max-share={share}"),
            Self::Pods(pods) => write!(f, "pods={pods}"),
            Self::Failed(failed) => write!(f, "failed={failed}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Assertion, parse};

    #[test]
    fn assertions() {
        for (text, assertion) in [
            ("max-share=0.4", Assertion::MaxShare(0.4)),
            ("max-share=1", Assertion::MaxShare(1.0)),
            ("pods=5", Assertion::Pods(5)),
            ("failed=0", Assertion::Failed(0)),
        ] {
            assert_eq!(parse(text), Ok(assertion));
            assert_eq!(assertion.to_string(), text);
        }
        for bad in ["", "pods", "pods=", "pods=-1", "max-share=1.1", "max-share=NaN", "failed=x", "errors=0"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

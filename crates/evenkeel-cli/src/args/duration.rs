//! Durations as people type them: `10s`, `500ms`, `1m30s`.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("empty: say for example 10s, 500ms or 1m30s")]
    Empty,
    #[error("`{0}` has no unit: use us, ms, s, m or h, for example {0}s")]
    NoUnit(String),
    #[error("`{0}` is no unit: use us, ms, s, m or h")]
    UnknownUnit(String),
    #[error("`{0}` is no number")]
    BadNumber(String),
    #[error("too long")]
    TooLong,
}

/// Parses a duration: one or more of a decimal number with a unit; a lone `0` needs no unit.
///
/// # Errors
/// Names the part at fault.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
        if number.is_empty() {
            return Err(DurationError::BadNumber(rest.to_owned()));
        }
        let value: f64 = number.parse().map_err(|_| DurationError::BadNumber(number.to_owned()))?;
        let seconds = value * seconds_per(number, unit)?;
        let part = Duration::try_from_secs_f64(seconds).map_err(|_| DurationError::TooLong)?;
        total = total.checked_add(part).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    Ok(total)
}

/// As [`parse`], but zero is refused too: for limits that would never let anything happen.
///
/// # Errors
/// As [`parse`], and for zero.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse(text) {
        Ok(Duration::ZERO) => Err("must be more than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// As people type it, in the largest unit of s, ms and us that makes it a whole number.
pub(crate) fn short(duration: Duration) -> String {
    match duration.as_micros() {
        micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
        micros => format!("{micros}us"),
    }
}

fn seconds_per(number: &str, unit: &str) -> Result<f64, DurationError> {
    match unit {
        "us" | "µs" => Ok(1e-6),
        "ms" => Ok(1e-3),
        "s" => Ok(1.0),
        "m" => Ok(60.0),
        "h" => Ok(3600.0),
        "" => Err(DurationError::NoUnit(number.to_owned())),
        other => Err(DurationError::UnknownUnit(other.to_owned())),
    }
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::{Duration, DurationError, parse, parse_positive};

    #[test]
    fn what_people_type() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            ("2h", 7_200_000),
            ("0s", 0),
            ("0", 0),
            ("1h1m1s1ms", 3_661_001),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn errors_name_the_part() {
        assert_eq!(parse(""), Err(DurationError::Empty));
        assert_eq!(parse("10"), Err(DurationError::NoUnit("10".into())));
        assert_eq!(parse("1m30"), Err(DurationError::NoUnit("30".into())));
        assert_eq!(parse("3d"), Err(DurationError::UnknownUnit("d".into())));
        assert_eq!(parse("s"), Err(DurationError::BadNumber("s".into())));
        assert_eq!(parse("-1s"), Err(DurationError::BadNumber("-1s".into())));
        assert_eq!(parse("1.2.3s"), Err(DurationError::BadNumber("1.2.3".into())));
        assert_eq!(parse("99999999999999999999h"), Err(DurationError::TooLong));
        assert!(parse_positive("0s").is_err());
    }
}

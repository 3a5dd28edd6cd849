//! The `grpc-timeout` header (gRPC over HTTP/2).

use std::time::Duration;

/// A `grpc-timeout` value that is not one to eight digits and a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a grpc-timeout is one to eight digits and one of H, M, S, m, u, n")]
pub struct InvalidTimeout;

/// The units from fine to coarse, in nanoseconds.
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// No timeout has more digits, so none is larger than this in its unit.
const MAX_VALUE: u128 = 99_999_999;

/// Reads a `grpc-timeout` value.
///
/// # Errors
/// When it is not one to eight digits and a unit.
pub fn parse_timeout(value: &[u8]) -> Result<Duration, InvalidTimeout> {
    let (unit, digits) = value.split_last().ok_or(InvalidTimeout)?;
    let nanos = UNITS.iter().find(|(name, _)| name == unit).ok_or(InvalidTimeout)?.1;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(InvalidTimeout);
    }
    let amount = digits.iter().fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    let total = amount * nanos;
    let seconds = u64::try_from(total / 1_000_000_000).map_err(|_| InvalidTimeout)?;
    Ok(Duration::new(seconds, u32::try_from(total % 1_000_000_000).unwrap_or(0)))
}

/// Writes a `grpc-timeout` value: the finest unit that takes eight digits, rounded up so that a deadline is never
/// announced shorter than it is.
pub fn format_timeout(timeout: Duration) -> String {
    let nanos = timeout.as_nanos();
    for (unit, size) in UNITS {
        let amount = nanos.div_ceil(size);
        if amount <= MAX_VALUE {
            return format!("{amount}{}", char::from(unit));
        }
    }
    // Over 11,000 years.
    format!("{MAX_VALUE}H")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_unit() {
        let cases: [(&[u8], Duration); 7] = [
            (b"1H", Duration::from_secs(3600)),
            (b"2M", Duration::from_secs(120)),
            (b"3S", Duration::from_secs(3)),
            (b"4m", Duration::from_millis(4)),
            (b"5u", Duration::from_micros(5)),
            (b"6n", Duration::from_nanos(6)),
            (b"99999999H", Duration::from_secs(99_999_999 * 3600)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_timeout(text), Ok(expected));
        }
    }

    #[test]
    fn refuses_what_is_not_a_timeout() {
        for text in [&b""[..], b"S", b"1", b"1s", b"-1S", b"123456789S", b"1 S", b"1.5S"] {
            assert_eq!(parse_timeout(text), Err(InvalidTimeout), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_has_eight_digits_at_most_and_is_never_shorter(nanos in any::<u64>()) {
            let timeout = Duration::from_nanos(nanos);
            let text = format_timeout(timeout);
            prop_assert!(text.len() <= 9);
            let read = parse_timeout(text.as_bytes()).unwrap();
            prop_assert!(read >= timeout);
            // Rounding is at most one part in a million.
            prop_assert!(read.as_nanos() - timeout.as_nanos() <= timeout.as_nanos() / 1_000_000 + 1);
        }
    }

    #[test]
    fn the_longest_durations_still_fit() {
        assert_eq!(format_timeout(Duration::MAX), "99999999H");
    }
}

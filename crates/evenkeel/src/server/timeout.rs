//! How long a call may take: the client's `grpc-timeout`, the server's own limit.

use std::time::Duration;

use http::HeaderMap;

const GRPC_TIMEOUT: &str = "grpc-timeout";
/// The protocol allows eight digits.
const MOST_DIGITS: usize = 8;

/// The shorter of what the client gives and what the server allows. A header that is not one is ignored.
pub(super) fn call_timeout(headers: &HeaderMap, most: Option<Duration>) -> Option<Duration> {
    let given = headers.get(GRPC_TIMEOUT).and_then(|value| parse(value.as_bytes()));
    [given, most].into_iter().flatten().min()
}

/// `1*8DIGIT` and one of `H M S m u n`.
fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str, most: Option<Duration>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, value.parse().unwrap());
        call_timeout(&headers, most)
    }

    #[test]
    fn every_unit_is_understood() {
        for (value, nanos) in [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("4m", 4_000_000),
            ("5u", 5_000),
            ("6n", 6),
            ("0m", 0),
        ] {
            assert_eq!(with(value, None), Some(Duration::from_nanos(nanos)), "{value}");
        }
        assert_eq!(with("99999999H", None), Some(Duration::from_secs(99_999_999 * 3600)));
    }

    #[test]
    fn what_is_not_a_timeout_is_ignored() {
        for value in ["", "m", "1", "1x", "-1S", "+1S", "1.5S", "123456789m", "1 S"] {
            assert_eq!(with(value, None), None, "{value}");
            assert_eq!(with(value, Some(Duration::from_secs(9))), Some(Duration::from_secs(9)), "{value}");
        }
    }

    #[test]
    fn the_shorter_one_holds() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(with("2S", second), second);
        assert_eq!(with("500m", second), Some(Duration::from_millis(500)));
        assert_eq!(call_timeout(&HeaderMap::new(), second), second);
        assert_eq!(call_timeout(&HeaderMap::new(), None), None);
    }
}

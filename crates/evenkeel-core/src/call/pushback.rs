//! What a server says about retries (gRFC A6, `grpc-retry-pushback-ms`).

use std::time::Duration;

/// What a failed attempt's trailers say about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Nothing: the policy's backoff holds.
    None,
    /// Another attempt is welcome after exactly this time.
    After(Duration),
    /// No other attempt.
    Never,
}

impl Pushback {
    /// Reads the values of `grpc-retry-pushback-ms`. What is negative, no number, more than 2^31 - 1, or said twice asks for
    /// no retry.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        let Some(value) = values.next() else { return Self::None };
        if values.next().is_some() {
            return Self::Never;
        }
        let millis = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i32>().ok());
        match millis.map(u64::try_from) {
            Some(Ok(millis)) => Self::After(Duration::from_millis(millis)),
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_asks_for_no_retry() {
        assert_eq!(Pushback::parse([]), Pushback::None);
        for (text, millis) in [("0", 0), ("1500", 1500), ("2147483647", 2_147_483_647)] {
            assert_eq!(Pushback::parse([text.as_bytes()]), Pushback::After(Duration::from_millis(millis)));
        }
        for text in ["-1", "", "x", "1.5", " 1", "2147483648", "-2147483649", "\u{e4}"] {
            assert_eq!(Pushback::parse([text.as_bytes()]), Pushback::Never, "{text:?}");
        }
        assert_eq!(Pushback::parse([&b"1"[..], b"1"]), Pushback::Never);
    }
}

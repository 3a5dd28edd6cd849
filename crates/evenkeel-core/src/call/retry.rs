//! Which failures are retried, how often and after how long (gRFC A6).

use std::time::Duration;

use super::pushback::Pushback;
use super::throttling::RetryThrottling;
use crate::backoff::grown;
use crate::code::Code;
use crate::random::{Random, jittered};

/// No policy makes more attempts, whatever it says.
const MOST_ATTEMPTS: u32 = 5;
/// Each wait is varied by so much, either way.
const JITTER: f64 = 0.2;

/// When a call that failed is made again. Such calls may be processed twice: it is for methods that bear it.
///
/// A call is retried while its response has not begun, its deadline has not passed and its request is still kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    backoff_multiplier: f64,
    /// One bit per code.
    codes: u32,
}

/// A retry policy that gRPC does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRetry {
    /// One attempt is no retry.
    #[error("maxAttempts must be 2 or more, the first attempt counts")]
    MaxAttempts,
    /// The two waits must be more than nothing.
    #[error("initialBackoff and maxBackoff must be more than 0")]
    Backoff,
    /// Waits must not vanish.
    #[error("backoffMultiplier must be a number above 0")]
    Multiplier,
    /// Nothing would ever be retried, or success would be.
    #[error("retryableStatusCodes must name a code, and OK is none")]
    Codes,
    /// The bucket must have room.
    #[error("maxTokens must be 1 to 1000")]
    MaxTokens,
    /// Successes must count.
    #[error("tokenRatio must be a number of 0.001 or more")]
    TokenRatio,
}

/// How the calls of one method are retried.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Which failures, how often, when.
    pub policy: RetryPolicy,
    /// The bucket that the channel's calls share, if there is one.
    pub throttling: Option<RetryThrottling>,
}

impl RetryPolicy {
    /// A policy: at most `max_attempts` attempts, the first one counted (more than 5 are 5); the n-th retry comes after
    /// `initial_backoff` × `backoff_multiplier`^(n-1), at most `max_backoff`, ±20 %; calls that failed with one of `codes`.
    ///
    /// # Errors
    /// What gRPC does not allow: fewer than two attempts, a wait or a multiplier of 0, no code.
    pub fn new(
        max_attempts: u32,
        initial_backoff: Duration,
        max_backoff: Duration,
        backoff_multiplier: f64,
        codes: impl IntoIterator<Item = Code>,
    ) -> Result<Self, InvalidRetry> {
        let codes = codes.into_iter().fold(0, |codes, code| codes | bit(code));
        if max_attempts < 2 {
            return Err(InvalidRetry::MaxAttempts);
        }
        if initial_backoff.is_zero() || max_backoff.is_zero() {
            return Err(InvalidRetry::Backoff);
        }
        if !backoff_multiplier.is_finite() || backoff_multiplier <= 0.0 {
            return Err(InvalidRetry::Multiplier);
        }
        if codes == 0 || codes & bit(Code::Ok) != 0 {
            return Err(InvalidRetry::Codes);
        }
        let max_attempts = max_attempts.min(MOST_ATTEMPTS);
        Ok(Self { max_attempts, initial_backoff, max_backoff, backoff_multiplier, codes })
    }

    /// The wait before the n-th retry in a row, from 1.
    pub(super) fn backoff(&self, nth: u32, random: &mut dyn Random) -> Duration {
        let before = nth.saturating_sub(1);
        let wait = grown(self.initial_backoff, self.backoff_multiplier, before, self.max_backoff);
        jittered(random, wait, JITTER)
    }

    fn covers(&self, code: Code) -> bool {
        self.codes & bit(code) != 0
    }
}

impl Retry {
    /// Whether a call that failed so after `retries` retries may have another; the throttling is told of the failure.
    pub(super) fn allows(&self, code: Code, pushback: Pushback, retries: u32) -> bool {
        let counts = self.policy.covers(code) || pushback == Pushback::Never;
        // Told whether or not there are attempts left: it counts failures, not retries.
        let has_room = !counts || self.throttling.as_ref().is_none_or(RetryThrottling::on_failure);
        self.policy.covers(code)
            && pushback != Pushback::Never
            && has_room
            && retries + 1 < self.policy.max_attempts
    }
}

fn bit(code: Code) -> u32 {
    1 << code as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_grpc_does_not_allow_is_refused() {
        let new = |attempts, initial, max, multiplier, codes: &[Code]| {
            RetryPolicy::new(attempts, initial, max, multiplier, codes.iter().copied()).map(drop)
        };
        let codes = &[Code::Unavailable];
        assert_eq!(new(2, SECOND, SECOND, 1.0, codes), Ok(()));
        assert_eq!(new(1, SECOND, SECOND, 1.0, codes), Err(InvalidRetry::MaxAttempts));
        assert_eq!(new(0, SECOND, SECOND, 1.0, codes), Err(InvalidRetry::MaxAttempts));
        assert_eq!(new(2, Duration::ZERO, SECOND, 1.0, codes), Err(InvalidRetry::Backoff));
        assert_eq!(new(2, SECOND, Duration::ZERO, 1.0, codes), Err(InvalidRetry::Backoff));
        for multiplier in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(new(2, SECOND, SECOND, multiplier, codes), Err(InvalidRetry::Multiplier));
        }
        assert_eq!(new(2, SECOND, SECOND, 1.0, &[]), Err(InvalidRetry::Codes));
        assert_eq!(new(2, SECOND, SECOND, 1.0, &[Code::Ok]), Err(InvalidRetry::Codes));
    }

    #[test]
    fn waits_are_jittered_by_a_fifth_and_never_overflow() {
        let codes = [Code::Unavailable];
        let policy = RetryPolicy::new(5, SECOND, Duration::MAX, 1e300, codes).unwrap();
        assert_eq!(policy.backoff(1, &mut || 0), Duration::from_millis(800));
        assert!(policy.backoff(1, &mut || u64::MAX) <= Duration::from_millis(1200));
        for nth in [0, 2, 3, u32::MAX] {
            assert!(policy.backoff(nth, &mut || 0) >= Duration::from_millis(800));
        }
    }
}

//! Retries that stop where most calls fail (gRFC A6, retry throttling).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::retry::InvalidRetry;

/// A token, in the thousandths that are counted.
const TOKEN: u32 = 1000;

/// A bucket of tokens, shared by all calls of a channel and by its clones. A failure that a policy would retry takes one, a success brings back a
/// part of one, and while half of them or fewer are left nothing is retried.
#[derive(Clone, Debug)]
pub struct RetryThrottling(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: AtomicU32,
    max: u32,
    ratio: u32,
}

impl RetryThrottling {
    /// A full bucket of `max_tokens` (1 to 1000), to which a success brings `token_ratio` back (thousandths count).
    ///
    /// # Errors
    /// When either is outside its range.
    pub fn new(max_tokens: u32, token_ratio: f64) -> Result<Self, InvalidRetry> {
        if !(1..=1000).contains(&max_tokens) {
            return Err(InvalidRetry::MaxTokens);
        }
        // No more than the bucket holds has any meaning; a cast cuts off what is finer than a thousandth.
        let ratio = (token_ratio * f64::from(TOKEN)).clamp(0.0, f64::from(max_tokens * TOKEN)) as u32;
        if ratio == 0 {
            return Err(InvalidRetry::TokenRatio);
        }
        let max = max_tokens * TOKEN;
        Ok(Self(Arc::new(Bucket { tokens: AtomicU32::new(max), max, ratio })))
    }

    /// A call has ended well.
    pub fn on_success(&self) {
        let Bucket { tokens, max, ratio } = &*self.0;
        // Full nearly always: a load is cheaper than a store on a line that all calls share.
        if tokens.load(Ordering::Relaxed) < *max {
            let more = |tokens: u32| Some(tokens.saturating_add(*ratio).min(*max));
            let _ = tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// An attempt has failed; says whether there may be another.
    pub(super) fn on_failure(&self) -> bool {
        let fewer = |tokens: u32| Some(tokens.saturating_sub(TOKEN));
        let before = match self.0.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer) {
            Ok(before) | Err(before) => before,
        };
        before.saturating_sub(TOKEN) > self.0.max / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grpc_does_not_allow_is_refused() {
        let new = |max, ratio| RetryThrottling::new(max, ratio).map(drop);
        assert_eq!(new(1, 0.001), Ok(()));
        assert_eq!(new(1000, 1e300), Ok(()));
        for max in [0, 1001, u32::MAX] {
            assert_eq!(new(max, 1.0), Err(InvalidRetry::MaxTokens));
        }
        for ratio in [0.0, 0.0009, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(new(10, ratio), Err(InvalidRetry::TokenRatio), "{ratio}");
        }
    }

    #[test]
    fn a_bucket_neither_overflows_nor_runs_below_nothing() {
        let bucket = RetryThrottling::new(10, 0.0019).unwrap();
        for _ in 0..100 {
            bucket.on_failure();
        }
        for _ in 0..5999 {
            bucket.on_success();
        }
        assert!(!bucket.on_failure(), "of 0.0019 tokens 0.001 counts: 5.999 less one is below half");
        for _ in 0..20_000 {
            bucket.on_success();
        }
        assert_eq!((0..10).filter(|_| bucket.on_failure()).count(), 4);
    }
}

//! The channel's idle timeout (gRFC A62).

use std::time::Duration;

use tokio::time::Instant;

use crate::client::shared::Activity;

/// How many looks make one timeout: a channel goes idle at most a quarter of its timeout late.
const LOOKS: u32 = 4;

/// Finds out when a channel has had no call for its idle timeout, by looking now and then: calls only count.
#[derive(Debug)]
pub(super) struct IdleTimer {
    timeout: Option<Duration>,
    next: Option<Instant>,
    /// The number of calls started at the first of the looks in a row that found nothing running.
    quiet: Option<u64>,
    looks: u32,
}

impl IdleTimer {
    /// None and zero: never.
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        let timeout = timeout.filter(|timeout| !timeout.is_zero());
        Self { timeout, next: None, quiet: None, looks: 0 }
    }

    pub(super) fn restart(&mut self, now: Instant) {
        self.quiet = None;
        self.looks = 0;
        self.next = self.timeout.and_then(|timeout| now.checked_add(timeout / LOOKS));
    }

    pub(super) fn next_check(&self) -> Option<Instant> {
        self.next
    }

    /// Looks, if it is time to; true when the channel has been quiet for the whole timeout.
    pub(super) fn is_over(&mut self, now: Instant, activity: &Activity) -> bool {
        let (Some(timeout), Some(next)) = (self.timeout, self.next) else { return false };
        if now < next {
            return false;
        }
        self.next = now.checked_add(timeout / LOOKS);
        let quiet = activity.quiet_since();
        if quiet.is_none() || quiet != self.quiet {
            self.quiet = quiet;
            self.looks = 0;
            return false;
        }
        self.looks += 1;
        if self.looks < LOOKS {
            return false;
        }
        self.next = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_means_never() {
        for timeout in [None, Some(Duration::ZERO)] {
            let mut timer = IdleTimer::new(timeout);
            timer.restart(Instant::now());
            assert!(timer.next_check().is_none(), "{timeout:?}");
            assert!(!timer.is_over(Instant::now(), &Activity::default()));
        }
    }
}

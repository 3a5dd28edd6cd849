//! When to accept again after the listener gave an error.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(5);
const MOST: Duration = Duration::from_secs(1);

/// The pause after an accept error: 5 ms, doubling to 1 s, back to 5 ms after a success (as grpc-go).
///
/// A process that is out of file descriptors must neither spin nor end: connections that close give some back.
#[derive(Debug)]
pub struct AcceptBackoff {
    next: Duration,
}

impl AcceptBackoff {
    /// No error yet.
    pub const fn new() -> Self {
        Self { next: FIRST }
    }

    /// A connection was accepted.
    pub fn on_accepted(&mut self) {
        self.next = FIRST;
    }

    /// Accepting failed; returns how long to wait before the next try.
    pub fn on_error(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(MOST);
        pause
    }
}

impl Default for AcceptBackoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_a_second_and_starts_over_after_a_success() {
        let mut backoff = AcceptBackoff::new();
        let pauses: Vec<_> = (0..10).map(|_| backoff.on_error().as_millis()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        backoff.on_accepted();
        assert_eq!(backoff.on_error(), FIRST);
    }
}

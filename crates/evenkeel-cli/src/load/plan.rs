//! How to call, whoever is called: by what pace, and until when.

use std::time::Duration;

use http::uri::PathAndQuery;

/// How many calls an open loop keeps in flight at most, whatever rate × timeout says: a stalled service must not
/// grow us without bound. Each costs some kilobytes.
const MOST_IN_FLIGHT: usize = 10_000;

/// How to call, whoever is called.
#[derive(Clone, Debug)]
pub(crate) struct CallPlan {
    pub(crate) method: PathAndQuery,
    pub(crate) timeout: Duration,
    pub(crate) pace: Pace,
    pub(crate) limit: Limit,
}

/// When calls start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each worker calls as soon as its last call has ended.
    Closed { workers: usize },
    /// On schedule, whatever became of earlier calls.
    Open { rate: f64, in_flight: usize },
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    After(Duration),
    Calls(u64),
    /// Whichever comes first.
    First {
        duration: Duration,
        calls: u64,
    },
    Never,
}

impl Pace {
    /// By Little's law no more than rate × timeout calls can be in flight, since each ends by its deadline: with room
    /// for them no call's start waits for another's end, and nothing grows without bound.
    pub(crate) fn new(workers: usize, rate: f64, timeout: Duration) -> Self {
        if rate <= 0.0 {
            return Self::Closed { workers };
        }
        // A tenth more: a deadline fires a little late.
        let needed = (rate * timeout.as_secs_f64() * 1.1).ceil() as usize + 1;
        Self::Open { rate, in_flight: needed.min(MOST_IN_FLIGHT).max(workers) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Pace};

    #[test]
    fn room_for_every_call_that_can_be_in_flight() {
        let second = Duration::from_secs(1);
        assert_eq!(Pace::new(3, 0.0, second), Pace::Closed { workers: 3 });
        assert_eq!(Pace::new(8, 500.0, second), Pace::Open { rate: 500.0, in_flight: 551 });
        assert_eq!(Pace::new(50, 1.0, second), Pace::Open { rate: 1.0, in_flight: 50 });
        assert_eq!(Pace::new(8, 1e6, second * 3600), Pace::Open { rate: 1e6, in_flight: 10_000 });
    }
}

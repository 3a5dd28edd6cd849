//! How to call, whoever is called: by what pace, and until when.

use std::time::Duration;

use http::uri::PathAndQuery;

/// How many calls an open loop keeps in flight at most, whatever rate × timeout says: a stalled service must not
/// grow us without bound. Each costs some kilobytes.
const MOST_IN_FLIGHT: usize = 10_000;

/// How to call, whoever is called.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The unary method, `/package.Service/Method`; it is sent an empty message.
    pub method: PathAndQuery,
    /// The deadline of each call, from its own start.
    pub timeout: Duration,
    /// When calls start.
    pub pace: Pace,
    /// When none starts any more.
    pub limit: Limit,
}

/// When calls start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each worker calls as soon as its last call has ended.
    Closed {
        /// How many call at the same time; none makes no call.
        workers: usize,
    },
    /// On schedule, whatever became of earlier calls.
    Open {
        /// Calls a second, more than 0.
        rate: f64,
        /// How many calls can be on their way at once; later ones then start late, and their latency counts the wait.
        in_flight: usize,
    },
}

/// When to stop. Calls in flight still end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So long after the load's start.
    After(Duration),
    /// When so many calls have started.
    Calls(u64),
    /// Whichever comes first.
    First {
        /// So long after the load's start.
        duration: Duration,
        /// When so many calls have started.
        calls: u64,
    },
    /// Only by a [`Stop`](crate::Stop).
    Never,
}

impl Pace {
    /// An open loop of `rate` calls a second with room for every call that can be in flight, but for `workers` at least
    /// and 10,000 at most; a closed one of so many workers where the rate is 0 or less.
    ///
    /// By Little's law no more than rate × timeout calls can be in flight, since each ends by its deadline: with room
    /// for them no call's start waits for another's end, and nothing grows without bound.
    pub fn new(workers: usize, rate: f64, timeout: Duration) -> Self {
        if rate <= 0.0 {
            return Self::Closed { workers };
        }
        // A tenth more: a deadline fires a little late.
        let needed = ((rate * timeout.as_secs_f64() * 1.1).ceil() as usize).saturating_add(1);
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
        for timeout in [second * 3600, Duration::MAX] {
            assert_eq!(Pace::new(8, 1e6, timeout), Pace::Open { rate: 1e6, in_flight: 10_000 });
        }
    }
}

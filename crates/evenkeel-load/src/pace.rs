//! When calls start in an open loop: on a schedule that no slow answer moves.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use crate::plan::Limit;

/// The starts of an open loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    rate: f64,
    limit: Limit,
}

impl Schedule {
    /// `rate` calls a second from `start` on.
    pub(crate) fn new(start: Instant, rate: f64, limit: Limit) -> Self {
        Self { start, rate, limit }
    }

    /// When call number `index` (from 0) starts; `None` when the load is over by then.
    pub(crate) fn due(&self, index: u64) -> Option<Instant> {
        let offset = Duration::try_from_secs_f64(index as f64 / self.rate).ok()?;
        let within = match self.limit {
            Limit::After(duration) => offset < duration,
            Limit::Calls(calls) => index < calls,
            Limit::First { duration, calls } => offset < duration && index < calls,
            Limit::Never => true,
        };
        within.then(|| self.start + offset)
    }
}

/// Sends each scheduled start when it is due, until the schedule ends or `stop`'s sender is dropped.
///
/// Blocks: it is meant for a thread of its own, which wakes within some 50 µs, where the runtime's timers may be a
/// whole millisecond late and every latency would show it. A start that nobody can take yet is not skipped: it is
/// sent late, with the time it was due, so its call's latency includes the wait (no coordinated omission).
pub(crate) fn pace(schedule: Schedule, stop: &Receiver<()>, starts: &Sender<Instant>) {
    for index in 0.. {
        let Some(due) = schedule.due(index) else { return };
        match stop.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if starts.blocking_send(due).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Limit, Schedule, pace};

    #[test]
    fn starts_are_evenly_spaced_and_end_with_the_load() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 4.0, Limit::After(Duration::from_secs(1)));
        let offsets: Vec<_> = (0..6).map(|i| schedule.due(i).map(|due| (due - start).as_millis())).collect();
        assert_eq!(offsets, [Some(0), Some(250), Some(500), Some(750), None, None]);
        let counted = Schedule::new(start, 4.0, Limit::Calls(2));
        assert_eq!((counted.due(1).is_some(), counted.due(2)), (true, None));
        for (seconds, calls, starts) in [(1, 2, 2), (1, 9, 4)] {
            let limit = Limit::First { duration: Duration::from_secs(seconds), calls };
            let schedule = Schedule::new(start, 4.0, limit);
            assert_eq!((0..9).filter(|index| schedule.due(*index).is_some()).count(), starts);
        }
    }

    #[test]
    fn late_starts_keep_the_time_they_were_due() {
        // The schedule began an hour ago: all its starts are overdue and must come at once, none left out.
        let Some(start) = Instant::now().checked_sub(Duration::from_secs(3600)) else { return };
        let (_running, stop) = std::sync::mpsc::channel();
        let (starts, mut due) = tokio::sync::mpsc::channel(100);
        pace(Schedule::new(start, 10.0, Limit::Calls(100)), &stop, &starts);
        drop(starts);
        for index in 0..100 {
            assert_eq!(due.blocking_recv(), Some(start + Duration::from_millis(index * 100)));
        }
        assert_eq!(due.blocking_recv(), None);
    }

    #[test]
    fn a_stop_ends_it() {
        let (running, stop) = std::sync::mpsc::channel::<()>();
        drop(running);
        let (starts, mut due) = tokio::sync::mpsc::channel(1);
        pace(Schedule::new(Instant::now(), 1.0, Limit::After(Duration::from_secs(3600))), &stop, &starts);
        drop(starts);
        assert_eq!(due.blocking_recv(), None);
    }
}

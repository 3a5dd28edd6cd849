//! The two loops: workers that wait for their answers, and a schedule that does not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::pace::{Schedule, pace};
use crate::plan::{CallPlan, Limit, Pace};

/// Starts that may wait for room in the open loop's own queue; more wait in the schedule.
const STARTS_AHEAD: usize = 64;

/// A worker whose calls fail at once must not spin until they no longer do.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Ends a load early: no call starts any more, those in flight still end. Dropping it does the same.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// A load's ear for its [`Stop`].
#[derive(Clone, Debug)]
pub struct Stopped(watch::Receiver<bool>);

impl Stop {
    /// One for a load that has not begun, and its ear.
    #[must_use]
    pub fn new() -> (Self, Stopped) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stopped(receiver))
    }

    /// From here on no call starts; again it changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopped {
    fn is_stopped(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    async fn wait(&mut self) {
        // An error means that the `Stop` is gone, which is a stop too.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

/// Runs the whole load; returns when its last call has ended. Dropping the future cuts off the calls in flight.
///
/// # Errors
/// When the system has no thread for an open loop's schedule; no call was made then.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn run(caller: &Arc<Caller>, plan: &CallPlan, stopped: Stopped) -> io::Result<()> {
    match plan.pace {
        Pace::Closed { workers } => {
            closed_loop(caller, workers, plan.limit, stopped).await;
            Ok(())
        }
        Pace::Open { rate, in_flight } => open_loop(caller, rate, in_flight, plan.limit, stopped).await,
    }
}

async fn closed_loop(caller: &Arc<Caller>, workers: usize, limit: Limit, stopped: Stopped) {
    let started = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (caller, started, stopped) = (Arc::clone(caller), Arc::clone(&started), stopped.clone());
        tasks.spawn(async move {
            loop {
                let now = Instant::now();
                let within = match limit {
                    Limit::After(duration) => now.duration_since(caller.start()) < duration,
                    Limit::Never => true,
                    Limit::Calls(calls) => started.fetch_add(1, Ordering::Relaxed) < calls,
                    Limit::First { duration, calls } => {
                        now.duration_since(caller.start()) < duration
                            && started.fetch_add(1, Ordering::Relaxed) < calls
                    }
                };
                if !within || stopped.is_stopped() {
                    return;
                }
                if !caller.call(now).await {
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn open_loop(
    caller: &Arc<Caller>,
    rate: f64,
    in_flight: usize,
    limit: Limit,
    mut stopped: Stopped,
) -> io::Result<()> {
    let schedule = Schedule::new(caller.start(), rate, limit);
    let (starts, mut due) = mpsc::channel(STARTS_AHEAD);
    let (_running, stop) = std::sync::mpsc::channel();
    // Ends by itself: with the schedule, with `_running`, or with `due`.
    thread::Builder::new().spawn(move || pace(schedule, &stop, &starts))?;

    let room = Arc::new(Semaphore::new(in_flight));
    let mut calls = JoinSet::new();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((due.recv().await?, permit))
        };
        let (due, permit) = tokio::select! {
            next = next => match next { Some(next) => next, None => break },
            () = stopped.wait() => break,
        };
        let caller = Arc::clone(caller);
        calls.spawn(async move {
            caller.call(due).await;
            drop(permit);
        });
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
    Ok(())
}

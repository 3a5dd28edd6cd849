//! The orders in which streams can end while the peer changes its mind: no place is lost, and none is made up.
//!
//! `RUSTFLAGS='--cfg loom' cargo test -p evenkeel-core --release --lib orders`

use super::Quota;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// A connection's places, with a semaphore of the simplest kind.
struct Places {
    quota: Quota,
    free: AtomicUsize,
}

impl Places {
    fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { quota: Quota::new(max), free: AtomicUsize::new(max) })
    }

    fn try_take(&self) -> bool {
        let less = |free: usize| free.checked_sub(1);
        while self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok() {
            if !self.quota.takes_back() {
                return true;
            }
        }
        false
    }

    fn release(&self) {
        self.free.fetch_add(self.quota.give_back(1), Ordering::AcqRel);
    }

    fn set_max(&self, max: usize) {
        let withdraw = |at_most: usize| {
            let less = |free: usize| Some(free.saturating_sub(at_most));
            let (Ok(free) | Err(free)) = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
            free.min(at_most)
        };
        self.free.fetch_add(self.quota.set_max(max, withdraw), Ordering::AcqRel);
    }

    /// How many are counted as taken, and how many can be taken yet.
    fn taken_and_left(&self) -> (usize, usize) {
        (self.quota.taken(self.free.load(Ordering::Acquire)), (0..9).filter(|_| self.try_take()).count())
    }
}

/// All orders in which no thread is interrupted more than three times: what was found here needed fewer, and without a
/// bound the last one takes longer than a test may.
fn model(world: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(world);
}

/// A call that finds a place, or does not.
fn call(places: &Arc<Places>) -> thread::JoinHandle<()> {
    let places = Arc::clone(places);
    thread::spawn(move || {
        if places.try_take() {
            places.release();
        }
    })
}

/// A call that had its place before.
fn end(places: &Arc<Places>) -> thread::JoinHandle<()> {
    let places = Arc::clone(places);
    thread::spawn(move || places.release())
}

#[test]
fn streams_that_end_while_the_limit_falls() {
    model(|| {
        let places = Places::new(2);
        assert!(places.try_take() && places.try_take());
        let ends = [end(&places), end(&places)];
        places.set_max(1);
        for end in ends {
            end.join().unwrap();
        }
        assert_eq!(places.taken_and_left(), (0, 1));
    });
}

#[test]
fn a_stream_that_ends_while_the_limit_falls_and_rises_again() {
    model(|| {
        let places = Places::new(2);
        assert!(places.try_take() && places.try_take());
        let end = end(&places);
        places.set_max(0);
        places.set_max(3);
        end.join().unwrap();
        assert_eq!(places.taken_and_left(), (1, 2));
    });
}

#[test]
fn a_call_that_comes_and_goes_while_the_limit_changes() {
    model(|| {
        let places = Places::new(1);
        let call = call(&places);
        places.set_max(0);
        places.set_max(2);
        call.join().unwrap();
        assert_eq!(places.taken_and_left(), (0, 2));
    });
}

#[test]
fn calls_that_come_and_go_while_the_limit_falls() {
    model(|| {
        let places = Places::new(2);
        let calls = [call(&places), call(&places)];
        places.set_max(1);
        for call in calls {
            call.join().unwrap();
        }
        assert_eq!(places.taken_and_left(), (0, 1));
    });
}

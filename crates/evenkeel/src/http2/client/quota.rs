//! How many streams a connection may carry at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Counts streams against the peer's MAX_CONCURRENT_STREAMS; calls over it wait here, in order.
///
/// `h2` would queue them itself, but then nobody could tell a request that never left from one that did.
#[derive(Debug)]
pub(super) struct StreamQuota {
    /// Hands places to those who wait in the order of their coming, before anybody else can take one.
    places: Semaphore,
    max: AtomicUsize,
    /// Places that the peer has withdrawn while streams still held them.
    owed: AtomicUsize,
}

/// The connection takes no more streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl StreamQuota {
    pub(super) fn new(max: usize) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(max), max: AtomicUsize::new(max), owed: AtomicUsize::new(0) }
    }

    /// Takes a place, or fails if that means waiting. Never overtakes a call that waits.
    pub(super) fn try_acquire(&self) -> bool {
        self.places.try_acquire().map(SemaphorePermit::forget).is_ok()
    }

    /// Waits for a place. Cancel-safe: a place is taken only when this returns.
    pub(super) async fn acquire(&self) -> Result<(), Closed> {
        self.places.acquire().await.map(SemaphorePermit::forget).map_err(|_| Closed)
    }

    pub(super) fn release(&self) {
        self.give_back(1);
    }

    /// The places that are taken. Exact while nothing moves; a place on its way to somebody who waits counts as taken.
    pub(super) fn in_use(&self) -> usize {
        let owed = self.owed.load(Ordering::Acquire);
        let max = self.max.load(Ordering::Acquire);
        max.saturating_add(owed).saturating_sub(self.places.available_permits())
    }

    /// The peer changed its mind about how many streams it takes.
    pub(super) fn set_max(&self, max: usize) {
        let max = max.min(Semaphore::MAX_PERMITS);
        let before = self.max.swap(max, Ordering::AcqRel);
        if max >= before {
            self.give_back(max - before);
        } else {
            // Owed first, so that a stream that ends meanwhile pays instead of making room.
            self.owed.fetch_add(before - max, Ordering::AcqRel);
            self.give_back(self.places.forget_permits(before - max));
        }
    }

    /// Sends all who wait away.
    pub(super) fn close(&self) {
        self.places.close();
    }

    /// Pays what is owed with `places`, and opens the rest to those who wait.
    fn give_back(&self, places: usize) {
        let pay = |owed: usize| (owed > 0).then(|| owed.saturating_sub(places));
        let paid = match self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay) {
            Ok(owed) => owed.min(places),
            Err(_) => 0,
        };
        self.places.add_permits(places - paid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::Mutex;

    #[test]
    fn takes_as_many_as_the_peer_allows() {
        let quota = StreamQuota::new(2);
        assert!(quota.try_acquire() && quota.try_acquire() && !quota.try_acquire());
        assert_eq!(quota.in_use(), 2);
        quota.release();
        assert_eq!(quota.in_use(), 1);
        assert!(quota.try_acquire());
    }

    #[tokio::test]
    async fn waiting_calls_go_in_order() {
        let quota = Arc::new(StreamQuota::new(0));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        for n in 0..5 {
            let (quota, order) = (Arc::clone(&quota), Arc::clone(&order));
            calls.push(tokio::spawn(async move {
                quota.acquire().await.unwrap();
                order.lock().unwrap().push(n);
                quota.release();
            }));
            tokio::task::yield_now().await;
        }
        assert!(!quota.try_acquire(), "nobody overtakes");
        quota.set_max(1);
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(quota.try_acquire());
    }

    #[tokio::test]
    async fn a_call_that_goes_leaves_the_order_of_the_others() {
        let quota = Arc::new(StreamQuota::new(1));
        assert!(quota.try_acquire());
        let (sender, mut went) = tokio::sync::mpsc::unbounded_channel();
        for n in 0..5 {
            let (quota, sender) = (Arc::clone(&quota), sender.clone());
            tokio::spawn(async move {
                quota.acquire().await.unwrap();
                sender.send(n).unwrap();
            });
            tokio::task::yield_now().await;
        }
        for n in 0..5 {
            quota.release();
            assert_eq!(went.recv().await, Some(n));
        }
    }

    #[test]
    fn a_lowered_limit_counts_the_streams_that_run() {
        let quota = StreamQuota::new(3);
        assert!(quota.try_acquire() && quota.try_acquire());
        quota.set_max(1);
        assert_eq!(quota.in_use(), 2, "those that run are not fewer for it");
        assert!(!quota.try_acquire());
        quota.release();
        assert_eq!(quota.in_use(), 1);
        assert!(!quota.try_acquire(), "one runs, and one is the limit");
        quota.set_max(2);
        assert!(quota.try_acquire() && !quota.try_acquire());
        quota.set_max(usize::MAX);
        assert!(quota.try_acquire());
        quota.set_max(0);
        for _ in 0..3 {
            quota.release();
        }
        assert!(!quota.try_acquire());
    }

    #[tokio::test]
    async fn one_release_wakes_as_many_as_there_is_room_for() {
        let quota = Arc::new(StreamQuota::new(0));
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let quota = Arc::clone(&quota);
                tokio::spawn(async move { quota.acquire().await })
            })
            .collect();
        tokio::task::yield_now().await;
        quota.set_max(3);
        for call in calls {
            assert_eq!(call.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_call_that_gives_up_passes_its_turn_on() {
        let quota = Arc::new(StreamQuota::new(1));
        assert!(quota.try_acquire());
        let spawn = || {
            let quota = Arc::clone(&quota);
            tokio::spawn(async move { quota.acquire().await })
        };
        let (first, second) = (spawn(), spawn());
        tokio::task::yield_now().await;
        quota.release();
        first.abort();
        assert!(first.await.is_err());
        assert_eq!(second.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn closing_sends_the_waiting_away() {
        let quota = Arc::new(StreamQuota::new(0));
        let waiting = {
            let quota = Arc::clone(&quota);
            tokio::spawn(async move { quota.acquire().await })
        };
        tokio::task::yield_now().await;
        quota.close();
        assert_eq!(waiting.await.unwrap(), Err(Closed));
        assert_eq!(quota.acquire().await, Err(Closed));
    }
}

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
mod tests;

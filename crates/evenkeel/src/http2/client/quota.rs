//! How many streams a connection may carry at once.

use evenkeel_core::connect::Quota;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Counts streams against the peer's MAX_CONCURRENT_STREAMS; calls over it wait here, in order.
///
/// `h2` would queue them itself, but then nobody could tell a request that never left from one that did.
#[derive(Debug)]
pub(super) struct StreamQuota {
    /// Hands places to those who wait in the order of their coming, before anybody else can take one.
    places: Semaphore,
    count: Quota,
}

/// The connection takes no more streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl StreamQuota {
    pub(super) fn new(max: usize) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(max), count: Quota::new(max) }
    }

    /// Takes a place, or fails if that means waiting. Never overtakes a call that waits.
    pub(super) fn try_acquire(&self) -> bool {
        loop {
            match self.places.try_acquire() {
                Ok(place) => place.forget(),
                Err(_) => return false,
            }
            if !self.count.takes_back() {
                return true;
            }
        }
    }

    /// Waits for a place. Cancel-safe: a place is taken only when this returns.
    pub(super) async fn acquire(&self) -> Result<(), Closed> {
        loop {
            self.places.acquire().await.map(SemaphorePermit::forget).map_err(|_| Closed)?;
            if !self.count.takes_back() {
                return Ok(());
            }
        }
    }

    pub(super) fn release(&self) {
        self.places.add_permits(self.count.give_back(1));
    }

    /// The places that are taken. Exact while nothing moves; a place on its way to somebody who waits counts as taken.
    pub(super) fn in_use(&self) -> usize {
        self.count.taken(self.places.available_permits())
    }

    /// The peer changed its mind about how many streams it takes.
    pub(super) fn set_max(&self, max: usize) {
        let max = max.min(Semaphore::MAX_PERMITS);
        self.places.add_permits(self.count.set_max(max, |places| self.places.forget_permits(places)));
    }

    /// Sends all who wait away.
    pub(super) fn close(&self) {
        self.places.close();
    }
}

#[cfg(test)]
mod tests;

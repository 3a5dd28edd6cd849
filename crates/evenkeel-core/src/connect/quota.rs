//! How many streams a connection may carry at once: the counting (RFC 9113, SETTINGS_MAX_CONCURRENT_STREAMS).

// Under loom, `orders` tries the orders in which threads can meet here.
#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the peer allows, beside a set of free places that its user keeps: a semaphore, mostly.
///
/// Calls give places back from any thread, while one task follows what the peer allows.
#[derive(Debug)]
pub struct Quota {
    max: AtomicUsize,
    /// Places that the peer has withdrawn while streams still held them.
    owed: AtomicUsize,
}

impl Quota {
    /// The peer allows `max`, all of which are free.
    pub fn new(max: usize) -> Self {
        Self { max: AtomicUsize::new(max), owed: AtomicUsize::new(0) }
    }

    /// So many places are not used any more. Says how many of them become free; the rest pays what is owed.
    #[must_use]
    pub fn give_back(&self, places: usize) -> usize {
        let pay = |owed: usize| (owed > 0).then(|| owed.saturating_sub(places));
        let paid = match self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay) {
            Ok(owed) => owed.min(places),
            Err(_) => 0,
        };
        places - paid
    }

    /// A place was taken: whether it pays what is owed, instead of being used. So it is when a stream ended just before the
    /// peer changed its mind, and its place became free just after.
    #[must_use]
    pub fn takes_back(&self) -> bool {
        // Nothing is owed nearly always: a load is cheaper than a change of a line that all calls share.
        self.owed.load(Ordering::Acquire) > 0
            && self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, |owed| owed.checked_sub(1)).is_ok()
    }

    /// The peer allows `max` from now on; says how many places become free. For fewer, `withdraw` takes up to so many of
    /// the free ones away, and says how many. Not to be called by two at once.
    #[must_use]
    pub fn set_max(&self, max: usize, withdraw: impl FnOnce(usize) -> usize) -> usize {
        let before = self.max.swap(max, Ordering::AcqRel);
        if max >= before {
            return self.give_back(max - before);
        }
        // Owed first, so that a stream that ends meanwhile pays instead of making room.
        self.owed.fetch_add(before - max, Ordering::AcqRel);
        self.give_back(withdraw(before - max))
    }

    /// The places that are taken while `free` are free. Exact while nothing moves.
    pub fn taken(&self, free: usize) -> usize {
        let owed = self.owed.load(Ordering::Acquire);
        self.max.load(Ordering::Acquire).saturating_add(owed).saturating_sub(free)
    }
}

#[cfg(all(test, loom))]
mod orders;

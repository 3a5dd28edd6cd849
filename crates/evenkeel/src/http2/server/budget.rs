//! The memory that a server's clients may make it hold, all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all connections of a server share.
///
/// Counted is what a client can make grow from afar: calls that wait, window for requests that nobody has read, header
/// blocks that do not end. What handlers allocate for themselves is theirs.
#[derive(Debug)]
pub(crate) struct Memory {
    /// For calls and header blocks.
    pub(crate) calls: Arc<Budget>,
    /// For windows beyond what HTTP/2 gives every connection: they are for speed, and must leave calls their room.
    pub(crate) windows: Arc<Budget>,
    /// How many connections hold many answers that their client does not take.
    pub(super) heavy: AtomicUsize,
}

impl Memory {
    /// `limit`: bytes in all.
    pub(crate) fn new(limit: usize) -> Self {
        let (calls, windows) = (Budget::new(limit - limit / 4), Budget::new(limit / 4));
        Self { calls, windows, heavy: AtomicUsize::new(0) }
    }
}

/// A number of bytes that many share.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: Arc<Budget>,
    bytes: usize,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A connection that holds much already: a quarter of the budget is not for it.
    More,
    /// A connection that holds next to nothing: clients that behave are served while others take all they can.
    First,
}

impl Budget {
    /// `limit`: in bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0) })
    }

    /// Takes `bytes`, if they are there.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: usize, need: Need) -> Option<Taken> {
        let limit = match need {
            Need::More => self.limit - self.limit / 4,
            Need::First => self.limit,
        };
        let add = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= limit);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).ok()?;
        Some(Taken { budget: Arc::clone(self), bytes })
    }
}

impl Taken {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds another part.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_quarter_is_for_those_who_hold_nothing() {
        let memory = Memory::new(133);
        let budget = &memory.calls;
        let mut much = budget.try_take(70, Need::More).unwrap();
        assert!(budget.try_take(6, Need::More).is_none());
        much.merge(budget.try_take(5, Need::More).unwrap());
        assert_eq!(much.bytes(), 75);
        let first = budget.try_take(25, Need::First).unwrap();
        assert!(budget.try_take(1, Need::First).is_none());
        drop(first);
        assert!(budget.try_take(1, Need::More).is_none());
        drop(much);
        assert!(budget.try_take(75, Need::More).is_some());
    }
}

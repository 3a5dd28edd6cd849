//! The memory that a server's clients may make it hold, all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::traffic::Untaken;

/// What all connections of a server share.
///
/// Counted is what a client can make grow from afar: calls that wait, window for requests that nobody has read and the
/// small pieces they came in, header blocks that do not end. What handlers allocate for themselves is theirs.
#[derive(Debug)]
pub(crate) struct Memory {
    /// For calls, header blocks and small pieces of requests.
    pub(crate) calls: Arc<Budget>,
    /// For windows beyond what HTTP/2 gives every connection: they are for speed, and must leave calls their room.
    pub(crate) windows: Arc<Budget>,
    /// What answers hold that clients do not take.
    pub(super) untaken: Untaken,
}

impl Memory {
    /// `limit`: bytes in all.
    pub(crate) fn new(limit: usize) -> Self {
        let (calls, windows) = (Budget::new(limit - limit / 4), Budget::new(limit / 4));
        Self { calls, windows, untaken: Untaken::new(limit / 8) }
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

/// What one connection takes of a [`Budget`].
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    taken: AtomicUsize,
}

/// A part of a [`Share`], given back when dropped.
#[derive(Debug)]
pub(super) struct Part {
    taken: Taken,
    share: Arc<Share>,
}

/// A connection that holds no more than this, holds little.
const LITTLE: usize = 64 << 10;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A connection that holds much already: a quarter of the budget is not for it.
    More,
    /// For a request that has begun, a connection that holds little: the last eighth is not for it.
    Begun,
    /// For a call, a connection that has few: clients that behave are served while others take all they can.
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
            Need::Begun => self.limit - self.limit / 8,
            Need::First => self.limit,
        };
        let add = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= limit);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).ok()?;
        Some(Taken { budget: Arc::clone(self), bytes })
    }
}

impl Taken {
    /// Adds another part.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Share {
    pub(super) fn new(budget: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { budget, taken: AtomicUsize::new(0) })
    }

    /// Takes `bytes`, if they are there for a connection that has as much as this one.
    pub(super) fn try_take(self: &Arc<Self>, bytes: usize) -> Option<Part> {
        let would_have = self.taken.load(Ordering::Acquire).saturating_add(bytes);
        let need = if would_have <= LITTLE { Need::Begun } else { Need::More };
        let taken = self.budget.try_take(bytes, need)?;
        self.taken.fetch_add(bytes, Ordering::AcqRel);
        Some(Part { taken, share: Arc::clone(self) })
    }

    /// Adds `bytes` to what is held of the share; nothing changes if they are not there.
    pub(super) fn grow(self: &Arc<Self>, held: &mut Option<Part>, bytes: usize) -> Option<()> {
        let more = self.try_take(bytes)?;
        match held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        Some(())
    }
}

impl Part {
    pub(super) fn bytes(&self) -> usize {
        self.taken.bytes
    }

    /// Adds another part of the same share.
    fn merge(&mut self, mut other: Self) {
        self.taken.bytes += std::mem::take(&mut other.taken.bytes);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.share.taken.fetch_sub(self.taken.bytes, Ordering::AcqRel);
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
        assert_eq!(much.bytes, 75);
        let first = budget.try_take(25, Need::First).unwrap();
        assert!(budget.try_take(1, Need::First).is_none());
        drop(first);
        assert!(budget.try_take(1, Need::More).is_none());
        drop(much);
        assert!(budget.try_take(75, Need::More).is_some());
    }

    #[test]
    fn a_connection_has_its_first_part_of_what_is_kept_back_and_leaves_the_rest_to_calls() {
        let budget = Budget::new(1 << 20);
        let greedy = Share::new(Arc::clone(&budget));
        let all = greedy.try_take(3 << 18).unwrap();
        assert!(greedy.try_take(1).is_none());
        let modest = Share::new(Arc::clone(&budget));
        let part = modest.try_take(LITTLE).unwrap();
        assert!(modest.try_take(1).is_none());
        drop(part);
        let mut part = modest.try_take(LITTLE - 1).unwrap();
        part.merge(modest.try_take(1).unwrap());
        assert_eq!(part.bytes(), LITTLE);
        let another = Share::new(Arc::clone(&budget)).try_take(LITTLE).unwrap();
        assert!(Share::new(Arc::clone(&budget)).try_take(1).is_none());
        assert!(budget.try_take(1 << 17, Need::First).is_some());
        drop((all, part, another));
        assert!(modest.try_take(3 << 18).is_some(), "all is given back");
    }
}

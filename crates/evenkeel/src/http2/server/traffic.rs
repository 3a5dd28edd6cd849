//! What of a connection's messages waits for the other side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::budget::Memory;

/// So much of a connection's answers may wait before no further call of it begins: whoever does not read is not given
/// more to read.
const MOST: usize = 256 << 10;
/// A single answer counts for so much at most: a few streams that their reader has put aside must not stop all calls.
const COUNTED_AT_MOST: usize = 64 << 10;
/// And for so much at least, which is what a stream costs that holds it.
const COUNTED_AT_LEAST: usize = 512;
/// From so much on, a connection counts as one that does not read.
const HEAVY: usize = 64 << 10;
/// So many connections may hold as much as one may; further ones stop at [`HEAVY`].
const HEAVY_CONNECTIONS: usize = 4;

/// What waits on one connection, and what has been read.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// What the answers count for that the client has not taken, in its calls and inside h2.
    answers: AtomicUsize,
    room: Notify,
    /// Bytes of requests that handlers have read so far.
    read: AtomicU64,
    memory: Arc<Memory>,
}

/// A part of an answer, which counts as waiting until it is dropped: h2 drops what it has written, and what belonged to
/// a stream that is reset.
#[derive(Debug)]
pub(super) struct Counted {
    bytes: Bytes,
    counted: usize,
    traffic: Arc<Traffic>,
}

impl Traffic {
    pub(super) fn new(memory: Arc<Memory>) -> Arc<Self> {
        let (answers, read) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { answers, room: Notify::new(), read, memory })
    }

    /// Whether no further call should begin.
    pub(super) fn is_full(&self) -> bool {
        let answers = self.answers.load(Ordering::Acquire);
        answers >= MOST || (answers >= HEAVY && self.memory.heavy.load(Ordering::Acquire) > HEAVY_CONNECTIONS)
    }

    /// Resolves when there may be room again for calls that have found none. To be made before one looks.
    pub(super) fn room(&self) -> Notified<'_> {
        self.room.notified()
    }

    /// Bytes of requests that handlers have read so far.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn on_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn add(&self, count: usize) {
        let before = self.answers.fetch_add(count, Ordering::AcqRel);
        if before < HEAVY && before + count >= HEAVY {
            self.memory.heavy.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn give_back(&self, count: usize) {
        let before = self.answers.fetch_sub(count, Ordering::AcqRel);
        let now = before.saturating_sub(count);
        if before >= HEAVY && now < HEAVY {
            self.memory.heavy.fetch_sub(1, Ordering::AcqRel);
            self.room.notify_waiters();
        } else if before >= MOST && now < MOST {
            self.room.notify_waiters();
        }
    }
}

impl Counted {
    pub(super) fn new(bytes: Bytes, traffic: &Arc<Traffic>) -> Self {
        let counted = match bytes.len() {
            0 => 0,
            len => len.clamp(COUNTED_AT_LEAST, COUNTED_AT_MOST),
        };
        if counted > 0 {
            traffic.add(counted);
        }
        Self { counted, bytes, traffic: Arc::clone(traffic) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first `at` bytes, all of them if there are no more; the rest stays.
    pub(super) fn split_to(&mut self, at: usize) -> Self {
        let bytes = self.bytes.split_to(at.min(self.bytes.len()));
        // The rest goes on counting, as long as there is enough of it.
        let counted = self.counted.saturating_sub(self.bytes.len());
        self.counted -= counted;
        Self { bytes, counted, traffic: Arc::clone(&self.traffic) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.counted > 0 {
            self.traffic.give_back(self.counted);
        }
    }
}

impl Buf for Counted {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.bytes.copy_to_bytes(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic() -> (Arc<Traffic>, Arc<Memory>) {
        let memory = Arc::new(Memory::new(1 << 20));
        (Traffic::new(Arc::clone(&memory)), memory)
    }

    fn waiting(traffic: &Traffic) -> usize {
        traffic.answers.load(Ordering::Acquire)
    }

    fn long() -> Bytes {
        Bytes::from(vec![0; 4 * MOST])
    }

    #[test]
    fn every_part_counts_until_it_is_dropped() {
        let (traffic, _) = traffic();
        let mut all = Counted::new(Bytes::from(vec![0; 1000]), &traffic);
        let mut part = all.split_to(11);
        assert_eq!((part.len(), all.len(), waiting(&traffic)), (11, 989, 1000));
        part.advance(5);
        assert_eq!(part.remaining(), 6);
        drop(part);
        assert_eq!(waiting(&traffic), 989);
        assert!(all.split_to(usize::MAX).len() == 989 && all.is_empty());
        assert_eq!(waiting(&traffic), 0);
        let mut small = Counted::new(Bytes::from_static(b"small"), &traffic);
        assert_eq!(waiting(&traffic), COUNTED_AT_LEAST);
        let part = small.split_to(2);
        assert_eq!((part.counted, small.counted), (COUNTED_AT_LEAST - 3, 3));
        drop((part, small.split_to(3), small, all));
        assert_eq!(waiting(&traffic), 0);
        assert_eq!(Counted::new(Bytes::new(), &traffic).counted, 0);
    }

    #[test]
    fn one_long_answer_does_not_stop_a_connection_and_a_few_do() {
        let (traffic, _) = traffic();
        let mut all: Vec<_> = vec![Counted::new(long(), &traffic)];
        assert!(!traffic.is_full());
        while !traffic.is_full() {
            all.push(Counted::new(long(), &traffic));
        }
        assert_eq!(all.len(), MOST / COUNTED_AT_MOST);
        drop(all[0].split_to(3 * MOST));
        assert!(traffic.is_full(), "there is enough left of it");
        drop(all[0].split_to(MOST - 1));
        assert!(!traffic.is_full());
        drop(all);
        assert_eq!(waiting(&traffic), 0);
    }

    #[test]
    fn where_many_do_not_read_each_holds_less() {
        let memory = Arc::new(Memory::new(1 << 20));
        let others: Vec<_> = (0..HEAVY_CONNECTIONS).map(|_| Traffic::new(Arc::clone(&memory))).collect();
        let held: Vec<_> = others.iter().map(|other| Counted::new(long(), other)).collect();
        assert!(!others[0].is_full());
        let traffic = Traffic::new(memory);
        let _first = Counted::new(long(), &traffic);
        assert!(traffic.is_full() && others[0].is_full());
        drop(held);
        assert!(!traffic.is_full());
    }

    #[tokio::test]
    async fn whoever_waits_for_room_is_woken() {
        let (traffic, _) = traffic();
        let full: Vec<_> = (0..4).map(|_| Counted::new(long(), &traffic)).collect();
        let room = traffic.room();
        assert!(traffic.is_full());
        drop(full);
        room.await;
        assert!(!traffic.is_full());
    }
}

//! What of a connection's messages waits for the other side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use tokio::sync::Notify;

/// So much of a connection's answers may wait before no further call of it is started: whoever does not read is not
/// given more to read.
const MOST: usize = 1 << 20;

/// A single answer counts for so much at most: one stream that its reader has put aside must not stop all calls.
const COUNTED_AT_MOST: usize = 64 << 10;

/// What waits on one connection, and what has been read.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Bytes of answers that the client has not taken, in its calls and inside h2.
    answers: AtomicUsize,
    room: Notify,
    /// Bytes of requests that handlers have read so far.
    read: AtomicU64,
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
    /// Whether no further call should begin.
    pub(crate) fn is_full(&self) -> bool {
        self.answers.load(Ordering::Acquire) >= MOST
    }

    /// Resolves some time after there is room again. Cancel-safe.
    pub(crate) async fn room(&self) {
        self.room.notified().await;
    }

    /// Bytes of requests that handlers have read so far.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn on_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        let before = self.answers.fetch_sub(bytes, Ordering::AcqRel);
        if before >= MOST && before.saturating_sub(bytes) < MOST {
            self.room.notify_one();
        }
    }
}

impl Counted {
    pub(super) fn new(bytes: Bytes, traffic: &Arc<Traffic>) -> Self {
        let counted = bytes.len().min(COUNTED_AT_MOST);
        if counted > 0 {
            traffic.answers.fetch_add(counted, Ordering::AcqRel);
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
        let counted = bytes.len().min(self.counted);
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

    fn waiting(traffic: &Traffic) -> usize {
        traffic.answers.load(Ordering::Acquire)
    }

    #[test]
    fn every_part_counts_until_it_is_dropped() {
        let traffic = Arc::<Traffic>::default();
        let mut all = Counted::new(Bytes::from(vec![0; 1000]), &traffic);
        let mut part = all.split_to(11);
        assert_eq!((part.len(), all.len(), waiting(&traffic)), (11, 989, 1000));
        part.advance(5);
        assert_eq!(part.remaining(), 6);
        drop(part);
        assert_eq!(waiting(&traffic), 989);
        assert!(all.split_to(usize::MAX).len() == 989 && all.is_empty());
        assert_eq!(waiting(&traffic), 0);
        drop(all);
        assert_eq!(waiting(&traffic), 0);
    }

    #[test]
    fn one_long_answer_does_not_stop_a_connection_and_many_do() {
        let traffic = Arc::<Traffic>::default();
        let mut all: Vec<_> = vec![Counted::new(Bytes::from(vec![0; 4 * MOST]), &traffic)];
        assert!(!traffic.is_full());
        while !traffic.is_full() {
            all.push(Counted::new(Bytes::from(vec![0; 4 * MOST]), &traffic));
        }
        assert_eq!(all.len(), MOST / COUNTED_AT_MOST);
        let part = all[0].split_to(3 * MOST);
        drop(part);
        assert!(!traffic.is_full());
        drop(all);
        assert_eq!(waiting(&traffic), 0);
    }

    #[tokio::test]
    async fn whoever_waits_for_room_is_woken() {
        let traffic = Arc::<Traffic>::default();
        let full: Vec<_> =
            (0..=MOST / 100).map(|_| Counted::new(Bytes::from(vec![0; 100]), &traffic)).collect();
        assert!(traffic.is_full());
        let room = tokio::spawn({
            let traffic = Arc::clone(&traffic);
            async move { traffic.room().await }
        });
        drop(full);
        room.await.unwrap();
    }
}

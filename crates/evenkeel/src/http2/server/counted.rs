//! Parts of answers that know how much waits.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::traffic::{Leave, Traffic};

/// An answer counts for so much at least, which is what a stream costs that holds it.
const COUNTED_AT_LEAST: usize = 512;

/// A part of an answer. All of it counts as waiting until its last part is dropped, since each part keeps the memory of
/// all; h2 drops what it has written, and what belonged to a stream that is reset.
#[derive(Debug)]
pub(super) struct Counted {
    bytes: Bytes,
    counted: usize,
    traffic: Arc<Traffic>,
    leave: Leave,
}

impl Counted {
    pub(super) fn new(bytes: Bytes, leave: Leave, traffic: &Arc<Traffic>) -> Self {
        let counted = if bytes.is_empty() { 0 } else { bytes.len().max(COUNTED_AT_LEAST) };
        if counted > 0 {
            traffic.add(counted);
        }
        Self { counted, bytes, leave, traffic: Arc::clone(traffic) }
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
        if !self.bytes.is_empty() {
            return Self { bytes, counted: 0, leave: Leave::default(), traffic: Arc::clone(&self.traffic) };
        }
        let (counted, leave) = (std::mem::take(&mut self.counted), std::mem::take(&mut self.leave));
        Self { bytes, counted, leave, traffic: Arc::clone(&self.traffic) }
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
    use super::super::budget::Memory;
    use super::*;

    fn answer(length: usize, traffic: &Arc<Traffic>) -> Counted {
        Counted::new(Bytes::from(vec![0; length]), Leave::default(), traffic)
    }

    #[test]
    fn a_message_counts_until_its_last_part_is_dropped() {
        let traffic = Traffic::new(Arc::new(Memory::new(1 << 20)));
        let mut all = answer(1000, &traffic);
        let mut part = all.split_to(11);
        assert_eq!((part.len(), all.len()), (11, 989));
        part.advance(5);
        assert_eq!(part.remaining(), 6);
        drop(part);
        assert_eq!(traffic.waiting(), 1000);
        let last = all.split_to(usize::MAX);
        assert!(last.len() == 989 && all.is_empty());
        drop(all);
        assert_eq!(traffic.waiting(), 1000);
        drop(last);
        assert_eq!(traffic.waiting(), 0);
        let mut small = answer(5, &traffic);
        assert_eq!(traffic.waiting(), COUNTED_AT_LEAST);
        drop((small.split_to(2), small));
        assert_eq!(traffic.waiting(), 0, "of a stream that was reset");
        assert_eq!(answer(0, &traffic).counted, 0);
    }
}

//! The parts of a message that wait until it is whole.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// A part that is shorter than this is copied when it has to wait: it may be one byte of a buffer that is kept for it.
const SHORT: usize = 8 << 10;
/// Short parts are put together up to this length.
const TOGETHER: usize = 16 << 10;

/// Whoever decodes a message would make room for all of it at its first byte, so it is kept from them in the parts in
/// which it came.
#[derive(Debug, Default)]
pub(super) struct Held {
    parts: VecDeque<Bytes>,
    /// Their end, put together of short parts.
    tail: BytesMut,
    /// So many of them, from the first on, may be read.
    whole: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.tail.is_empty()
    }

    pub(super) fn hold(&mut self, part: Bytes) {
        if part.len() >= SHORT {
            self.end_tail();
            self.parts.push_back(part);
            return;
        }
        self.tail.extend_from_slice(&part);
        if self.tail.len() >= TOGETHER {
            self.end_tail();
        }
    }

    /// All that is held may be read.
    pub(super) fn release(&mut self) {
        self.end_tail();
        self.whole = self.parts.len();
    }

    /// The next part that may be read.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        self.whole = self.whole.checked_sub(1)?;
        self.parts.pop_front()
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push_back(std::mem::take(&mut self.tail).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(held: &mut Held) -> Vec<Bytes> {
        std::iter::from_fn(|| held.pop()).collect()
    }

    #[test]
    fn nothing_is_read_before_it_is_released_and_the_order_is_kept() {
        let mut held = Held::default();
        let parts = [vec![1; 3], vec![2; SHORT], vec![3; SHORT - 1], vec![4; 1], vec![5; 2 * SHORT]];
        for part in &parts {
            held.hold(Bytes::from(part.clone()));
            assert!(held.pop().is_none() && !held.is_empty());
        }
        held.release();
        held.hold(Bytes::from_static(b"of the next message"));
        assert!(popped(&mut held).concat() == parts.concat());
        assert!(!held.is_empty());
        held.release();
        assert_eq!(popped(&mut held), [&b"of the next message"[..]]);
        assert!(held.is_empty());
    }

    /// A byte of a buffer holds all of it.
    #[test]
    fn short_parts_do_not_keep_the_buffers_they_came_in() {
        let mut held = Held::default();
        for _ in 0..3 * TOGETHER {
            let buffer = Bytes::from(vec![7; 64]);
            held.hold(buffer.slice(3..4));
            assert!(buffer.is_unique());
        }
        held.release();
        assert_eq!(popped(&mut held).iter().map(Bytes::len).collect::<Vec<_>>(), [TOGETHER; 3]);
    }
}

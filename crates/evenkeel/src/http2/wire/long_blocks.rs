//! Header blocks that are far longer than the program takes.
//!
//! h2 keeps what fits of trailers and drops the rest without a word. The fields that are left may say OK, so their
//! reader has to know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::http2::header_list::limit_for_h2;

/// Streams that nobody asked about are forgotten from so many on.
const REMEMBERED: usize = 256;

/// The streams with such blocks.
#[derive(Debug, Default)]
pub(crate) struct LongBlocks {
    any: AtomicBool,
    streams: Mutex<Vec<u32>>,
}

impl LongBlocks {
    /// Whether a block of the stream was too long; asked once.
    pub(crate) fn take(&self, stream: u32) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let before = streams.len();
        streams.retain(|other| *other != stream);
        self.any.store(!streams.is_empty(), Ordering::Release);
        streams.len() < before
    }

    pub(super) fn add(&self, stream: u32) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() == REMEMBERED {
            streams.remove(0);
        }
        streams.push(stream);
        self.any.store(true, Ordering::Release);
    }
}

/// From how many bytes on the wire on a block is too long. Huffman's code makes eight bits of five at best, so a list
/// that h2 cuts off has more than five eighths of its limit; and what has more bytes than the program's limit on the
/// wire has more when it is decoded.
pub(super) fn too_long(max_header_list: u32) -> usize {
    (limit_for_h2(max_header_list) / 8 * 5).max(max_header_list) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_once_and_old_ones_are_forgotten() {
        let blocks = LongBlocks::default();
        assert!(!blocks.take(1));
        (0..=REMEMBERED as u32).for_each(|stream| blocks.add(stream));
        assert!(blocks.take(1) && !blocks.take(1) && !blocks.take(0));
        assert!(blocks.take(REMEMBERED as u32));
    }
}

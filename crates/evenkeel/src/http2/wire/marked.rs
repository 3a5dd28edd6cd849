//! Streams about which somebody has to know something. Mostly there are none, and asking costs one atomic operation.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Marked streams, by id. Of more than `most`, the oldest are forgotten.
#[derive(Debug)]
pub(crate) struct MarkedStreams {
    most: usize,
    any: AtomicBool,
    /// The oldest first.
    streams: Mutex<VecDeque<u32>>,
}

impl MarkedStreams {
    pub(super) fn at_most(most: usize) -> Self {
        Self { most, any: AtomicBool::new(false), streams: Mutex::default() }
    }

    pub(crate) fn add(&self, stream: u32) {
        let mut streams = self.lock();
        if streams.len() == self.most {
            // When a connection with very many calls ends, each of them is marked.
            streams.pop_front();
        }
        streams.push_back(stream);
        self.any.store(true, Ordering::Release);
    }

    /// Whether the stream is marked; from then on it is not.
    pub(crate) fn take(&self, stream: u32) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut streams = self.lock();
        let before = streams.len();
        streams.retain(|other| *other != stream);
        self.any.store(!streams.is_empty(), Ordering::Release);
        streams.len() < before
    }

    /// All of them; from then on none is marked.
    pub(super) fn take_all(&self) -> VecDeque<u32> {
        if !self.any.load(Ordering::Acquire) {
            return VecDeque::new();
        }
        let mut streams = self.lock();
        self.any.store(false, Ordering::Release);
        std::mem::take(&mut *streams)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u32>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_once_and_old_ones_are_forgotten() {
        let marked = MarkedStreams::at_most(10);
        assert!(!marked.take(1) && marked.take_all().is_empty());
        (0..=10).for_each(|stream| marked.add(stream));
        assert!(marked.take(1) && !marked.take(1) && !marked.take(0));
        assert!(marked.take(10));
        assert_eq!(marked.take_all(), (2..10).collect::<Vec<_>>());
        assert!(!marked.take(2) && marked.take_all().is_empty());
    }
}

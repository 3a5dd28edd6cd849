//! DATA of streams that nobody reads any more.
//!
//! h2 drops such frames, but for each small one it charges the connection, for life: a peer whose answers come a moment
//! after the calls were given up would lose a healthy connection after some thousand of them. They are kept from h2
//! here, and what they took of the connection's window goes back to the peer by a WINDOW_UPDATE of our own.

use std::collections::{HashSet, VecDeque};

use super::scan::{DATA, END_STREAM, FrameHead, SMALL};

/// So many streams are remembered: of older ones, nothing is on its way any more.
pub(super) const REMEMBERED: usize = 2_048;
/// So much goes back to the peer at once: far less than the smallest window that a connection can have.
const CREDIT: u32 = 8 << 10;
const WINDOW_UPDATE: u8 = 0x8;

/// The streams, and what came on them.
#[derive(Debug, Default)]
pub(super) struct Unread {
    streams: HashSet<u32>,
    /// The same, the oldest first; it may hold some that have ended.
    order: VecDeque<u32>,
    credit: u32,
}

impl Unread {
    /// Nobody will read what comes on this stream from now on.
    pub(super) fn add(&mut self, stream: u32) {
        if !self.streams.insert(stream) {
            return;
        }
        self.order.push_back(stream);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.streams.remove(&oldest);
        }
    }

    /// Whether h2 need not see the frame. The end of a stream is left to it: it may be waiting for that.
    pub(super) fn swallows(&mut self, frame: FrameHead) -> bool {
        let is_it = !self.streams.is_empty()
            && frame.kind == DATA
            && frame.flags & END_STREAM == 0
            && (frame.length as usize) < SMALL
            && self.streams.contains(&frame.stream_id());
        if is_it {
            self.credit = self.credit.saturating_add(frame.length);
        }
        is_it
    }

    /// The WINDOW_UPDATE that gives back to the peer what was swallowed, if that is enough for one.
    pub(super) fn window_update(&mut self) -> Option<[u8; 13]> {
        if self.credit < CREDIT {
            return None;
        }
        let [a, b, c, d] = std::mem::take(&mut self.credit).to_be_bytes();
        Some([0, 0, 4, WINDOW_UPDATE, 0, 0, 0, 0, 0, a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::{Piece, Scanner};
    use super::*;

    fn data(stream: u32, flags: u8, length: u16) -> FrameHead {
        let [high, low] = length.to_be_bytes();
        let [a, b, c, d] = stream.to_be_bytes();
        let bytes = [0, high, low, DATA, flags, a, b, c, d];
        match Scanner::frames_only().next(&mut &bytes[..]) {
            Some(Piece::Head(head)) => head,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn small_frames_of_its_streams_are_swallowed_and_their_window_is_given_back() {
        let mut unread = Unread::default();
        assert!(!unread.swallows(data(5, 0, 100)));
        unread.add(5);
        assert!(!unread.swallows(data(3, 0, 100)));
        assert!(!unread.swallows(data(5, END_STREAM, 100)) && !unread.swallows(data(5, 0, 256)));
        for _ in 0..81 {
            assert!(unread.swallows(data(5, 0, 100)) && unread.window_update().is_none());
        }
        assert!(unread.swallows(data(5, 0, 100)));
        let [_, _, length, kind, _, _, _, _, stream, rest @ ..] = unread.window_update().unwrap();
        assert_eq!((length, kind, stream, u32::from_be_bytes(rest)), (4, 8, 0, 8_200));
        assert!(unread.window_update().is_none());
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut unread = Unread::default();
        let streams = (1..).step_by(2).take(REMEMBERED + 1);
        streams.clone().chain(streams).for_each(|stream| unread.add(stream));
        assert!(unread.streams.len() <= REMEMBERED && unread.order.len() <= REMEMBERED);
        assert!(unread.swallows(data(2 * REMEMBERED as u32 + 1, 0, 1)));
    }
}

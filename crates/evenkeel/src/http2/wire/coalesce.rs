//! Small DATA frames made large, and empty ones harmless, before h2 sees them.
//!
//! h2 keeps an event of some 300 bytes for each DATA frame until it is read, whatever its length, and ends a connection
//! over 100 empty ones in its whole life. Neither says anything about the peer: a fast sender of small messages to a
//! slow reader is healthy, and so is a library that flushes with empty frames. Frames of one stream that arrive side
//! by side become one frame; an empty one that ends nothing becomes a frame of a type that HTTP/2 tells everybody to
//! ignore (RFC 9113 §4.1).

use super::scan::{DATA, END_STREAM, FrameHead, HEADER_LEN, PADDED};

/// The largest frame that every receiver takes (RFC 9113 §4.2).
const LARGEST: u32 = 16_384;
/// No frame type that anybody has defined.
const IGNORED_TYPE: u8 = 0xff;
/// Where the type stands in a frame's header.
const TYPE_AT: usize = 3;

/// Frames of one read, as they are looked at from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Coalescer {
    /// Where what is kept of the read ends so far.
    end: usize,
    /// Whether anything was left out: only then bytes have to be moved.
    moved: bool,
    /// The last DATA frame, if it lies in this read whole and nothing came after it.
    open: Option<Open>,
    /// How many small DATA frames are left.
    small: u32,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    at: usize,
    head: FrameHead,
}

impl Coalescer {
    /// A frame, or a part of one, that lies at `from..to` of the read. `head` when its header became whole in this
    /// read; `is_whole` when all of it lies here.
    pub(super) fn on_frame(
        &mut self,
        bytes: &mut [u8],
        (from, to): (usize, usize),
        head: Option<FrameHead>,
        is_whole: bool,
    ) {
        match head {
            Some(head) if head.kind == DATA && head.flags & PADDED == 0 && is_whole => {
                self.on_data(bytes, from, to, head);
            }
            _ => {
                self.open = None;
                self.small += u32::from(head.is_some_and(FrameHead::is_small_data));
                self.keep(bytes, from, to);
            }
        }
    }

    /// A frame that is left out.
    pub(super) fn leave_out(&mut self) {
        self.moved = true;
    }

    /// How much of the read is left.
    pub(super) fn len(&self) -> usize {
        self.end
    }

    /// How many of the frames that are left are small pieces of messages.
    pub(super) fn small(&self) -> u32 {
        self.small
    }

    fn on_data(&mut self, bytes: &mut [u8], from: usize, to: usize, head: FrameHead) {
        let merged = self.open.and_then(|open| {
            let length = open.head.length + head.length;
            let same = open.head.stream_id() == head.stream_id() && open.head.flags & END_STREAM == 0;
            let mut merged = open;
            merged.head.length = length;
            merged.head.flags |= head.flags & END_STREAM;
            (same && length <= LARGEST).then_some(merged)
        });
        if let Some(merged) = merged {
            self.moved = true;
            self.small += u32::from(merged.head.is_small_data());
            self.small -= self.open.map_or(0, |open| u32::from(open.head.is_small_data()));
            self.keep(bytes, from + HEADER_LEN, to);
            write_head(bytes, merged.at, merged.head);
            self.open = Some(merged);
            return;
        }
        let at = self.end;
        self.small += u32::from(head.is_small_data());
        self.keep(bytes, from, to);
        if head.length == 0 && head.flags & END_STREAM == 0 {
            if let Some(kind) = bytes.get_mut(at + TYPE_AT) {
                *kind = IGNORED_TYPE;
            }
            self.open = None;
        } else {
            self.open = Some(Open { at, head });
        }
    }

    fn keep(&mut self, bytes: &mut [u8], from: usize, to: usize) {
        if self.moved && from < to {
            bytes.copy_within(from..to, self.end);
        }
        self.end += to - from;
    }
}

fn write_head(bytes: &mut [u8], at: usize, head: FrameHead) {
    if let Some(place) = bytes.get_mut(at..at + HEADER_LEN) {
        place.copy_from_slice(&head.encode());
    }
}

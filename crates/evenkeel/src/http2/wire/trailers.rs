//! Trailers of requests, which gRPC does not have.
//!
//! h2 keeps them, however long, until somebody reads them. A kilobyte on the wire can be a thousand fields, so what is
//! longer than anybody needs is made an error of its stream.

use super::scan::{END_HEADERS, END_STREAM, FrameHead, HEADERS};

/// More than anybody sends who sends trailers at all.
const LONGEST: u32 = 128;
/// Where the flags stand in a frame's header.
const FLAGS_AT: usize = 4;

/// Knows a client's trailers by their stream, which is no new one.
#[derive(Debug, Default)]
pub(super) struct RequestTrailers {
    newest: u32,
}

impl RequestTrailers {
    /// Whether the frame begins trailers that are too long to be kept.
    pub(super) fn are_too_long(&mut self, frame: FrameHead) -> bool {
        if frame.kind != HEADERS {
            return false;
        }
        let stream = frame.stream_id();
        if stream > self.newest {
            self.newest = stream;
            return false;
        }
        // Stream 0 has none.
        stream > 0 && (frame.length > LONGEST || frame.flags & END_HEADERS == 0)
    }
}

/// Takes the end of the stream off a HEADERS frame that begins at `at`, if its header lies there whole: trailers that do
/// not end their stream are its error (RFC 9113 §8.1), and h2 resets it.
pub(super) fn refuse_trailers(bytes: &mut [u8], at: usize, head: &mut Option<FrameHead>) {
    if let (Some(head), Some(flags)) = (head, bytes.get_mut(at + FLAGS_AT)) {
        head.flags &= !END_STREAM;
        *flags = head.flags;
    }
}

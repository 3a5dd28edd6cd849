//! How much h2 may read before what it has read is taken from it: it reads on as long as the peer sends, and keeps it
//! all.

use super::scan::{CONTINUATION, DATA, FrameHead, HEADERS};

/// So many calls come in one turn, and what one read brings besides.
const HEADERS_A_TURN: usize = 64;
/// So many bytes of header blocks, and what one read brings besides: each can become a field, which takes some 70 bytes.
const BLOCKS_A_TURN: usize = 16 << 10;
/// So many small pieces of messages, for each of which h2 keeps more than the piece.
const PIECES_A_TURN: usize = 512;
/// So many other frames that are no DATA: they may make h2 answer.
const OTHERS_A_TURN: usize = 1_024;

/// What has come since the turn began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    is_limited: bool,
    headers: usize,
    /// Bytes of header blocks.
    blocks: usize,
    pieces: usize,
    others: usize,
}

impl Turn {
    /// From now on turns end.
    pub(super) fn limit(&mut self) {
        self.is_limited = true;
    }

    pub(super) fn start(&mut self) {
        *self = Self { is_limited: self.is_limited, ..Self::default() };
    }

    /// Whether h2 has read all that it may in this turn.
    pub(super) fn is_over(&self) -> bool {
        self.is_limited
            && (self.headers >= HEADERS_A_TURN
                || self.blocks >= BLOCKS_A_TURN
                || self.pieces >= PIECES_A_TURN
                || self.others >= OTHERS_A_TURN)
    }

    pub(super) fn on_frame(&mut self, head: FrameHead) {
        match head.kind {
            DATA => self.pieces += usize::from(head.is_small_data()),
            HEADERS => self.headers += 1,
            _ => self.others += 1,
        }
        if matches!(head.kind, HEADERS | CONTINUATION) {
            self.blocks += head.length as usize;
        }
    }
}

//! What is learnt from each direction's frames, and what is changed in them on the way.

use super::facts::{GoAwayFrame, WireFacts};
use super::opening::Opening;
use super::scan::{FrameHead, GOAWAY, HEADER_LEN, HEADERS, PING, Piece, SETTINGS, Scanner};

/// How much of a GOAWAY's debug data is kept.
const DEBUG_DATA_KEPT: usize = 1024;
/// Last stream id and error code, before the debug data.
const GOAWAY_FIXED: usize = 8;

/// Listens to what the peer sends.
#[derive(Debug)]
pub(super) struct ReadTap {
    pub(super) scanner: Scanner,
    opening: Opening,
    goaway: Vec<u8>,
}

impl ReadTap {
    pub(super) fn new(scanner: Scanner) -> Self {
        Self { scanner, opening: Opening::default(), goaway: Vec::new() }
    }

    pub(super) fn on_bytes(&mut self, mut bytes: &[u8], facts: &WireFacts) {
        if let Some(foreign) = self.opening.on_bytes(bytes) {
            facts.on_foreign(foreign);
        }
        while let Some(piece) = self.scanner.next(&mut bytes) {
            match piece {
                Piece::Payload(payload) if self.scanner.payload_kind() == Some(GOAWAY) => {
                    let room = (GOAWAY_FIXED + DEBUG_DATA_KEPT).saturating_sub(self.goaway.len());
                    self.goaway.extend(payload.iter().take(room));
                }
                Piece::End(head) => self.on_frame(head, facts),
                _ => {}
            }
        }
    }

    fn on_frame(&mut self, head: FrameHead, facts: &WireFacts) {
        match head.kind {
            SETTINGS if !head.is_ack() => facts.on_settings(),
            PING => facts.on_ping(head.is_ack()),
            GOAWAY => {
                if let Some(frame) = parse_goaway(&self.goaway) {
                    facts.on_goaway(frame);
                }
                self.goaway = Vec::new();
            }
            _ => {}
        }
    }
}

/// Listens to what the socket took of our own frames.
#[derive(Debug)]
pub(super) struct WriteTap {
    scanner: Scanner,
    /// The first bytes of the current GOAWAY's payload.
    goaway: Vec<u8>,
}

impl WriteTap {
    pub(super) fn new(scanner: Scanner) -> Self {
        Self { scanner, goaway: Vec::new() }
    }

    pub(super) fn on_bytes(&mut self, mut bytes: &[u8], facts: &WireFacts) {
        while let Some(piece) = self.scanner.next(&mut bytes) {
            match piece {
                Piece::Head(head) if head.kind == HEADERS => facts.on_headers_written(head.stream_id()),
                Piece::Payload(payload) if self.scanner.payload_kind() == Some(GOAWAY) => {
                    let room = GOAWAY_FIXED.saturating_sub(self.goaway.len());
                    self.goaway.extend(payload.iter().take(room));
                }
                Piece::End(head) if head.kind == GOAWAY => {
                    if let Some(frame) = parse_goaway(&self.goaway) {
                        facts.on_goaway_written(frame.last_stream_id);
                    }
                    self.goaway.clear();
                }
                _ => {}
            }
        }
    }
}

/// Passes our frames on, and puts text into each GOAWAY with code NO_ERROR, which h2 writes without any.
#[derive(Debug)]
pub(super) struct Rewriter {
    scanner: Scanner,
    /// A GOAWAY's header and fixed payload are held back until its code is known.
    held: Option<(FrameHead, Vec<u8>)>,
    text: Option<&'static str>,
}

impl Rewriter {
    pub(super) fn new(scanner: Scanner) -> Self {
        Self { scanner, held: None, text: None }
    }

    pub(super) fn set_text(&mut self, text: &'static str) {
        self.text = Some(text);
    }

    /// Takes all of `bytes`; at most 16 of them, the start of a frame, wait for the next call.
    pub(super) fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(piece) = self.scanner.next(&mut bytes) {
            match piece {
                Piece::Preface(part) => out.extend_from_slice(part),
                Piece::Head(head) if head.kind == GOAWAY && self.text.is_some() => {
                    self.held = Some((head, Vec::with_capacity(GOAWAY_FIXED)));
                }
                Piece::Head(head) => out.extend_from_slice(&head.encode()),
                Piece::Payload(part) => self.on_payload(part, out),
                Piece::End(_) => self.release(out),
            }
        }
    }

    /// Hands out what is held back: the stream ends here.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(out);
        out.extend_from_slice(self.scanner.partial_header());
        self.scanner = Scanner::frames_only();
    }

    fn on_payload(&mut self, part: &[u8], out: &mut Vec<u8>) {
        let Some((_, fixed)) = &mut self.held else {
            return out.extend_from_slice(part);
        };
        let (now, later) = part.split_at(part.len().min(GOAWAY_FIXED - fixed.len()));
        fixed.extend_from_slice(now);
        if fixed.len() == GOAWAY_FIXED {
            self.release(out);
            out.extend_from_slice(later);
        }
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        let Some((mut head, fixed)) = self.held.take() else { return };
        let text = match parse_goaway(&fixed) {
            Some(frame) if frame.code == 0 => self.text.unwrap_or_default(),
            _ => "",
        };
        head.length += text.len() as u32;
        out.reserve(HEADER_LEN + fixed.len() + text.len());
        out.extend_from_slice(&head.encode());
        out.extend_from_slice(&fixed);
        out.extend_from_slice(text.as_bytes());
    }
}

fn parse_goaway(payload: &[u8]) -> Option<GoAwayFrame> {
    let (id, rest) = payload.split_first_chunk::<4>()?;
    let (code, debug) = rest.split_first_chunk::<4>()?;
    Some(GoAwayFrame {
        last_stream_id: u32::from_be_bytes(*id) & 0x7fff_ffff,
        code: u32::from_be_bytes(*code),
        debug: String::from_utf8_lossy(debug).into(),
    })
}

//! What is learnt from our own frames, and what is changed in them on the way.

use super::facts::WireFacts;
use super::goaway::{GOAWAY_FIXED, parse_goaway};
use super::scan::{FrameHead, GOAWAY, HEADER_LEN, HEADERS, Piece, RST_STREAM, SETTINGS, Scanner};
use super::settings::{MAX_HEADER_LIST_SIZE, replace_setting};

/// h2's own SETTINGS have eight entries at most; longer ones are not its.
const SETTINGS_HELD: u32 = 64;
/// An error code's length.
const CODE: usize = 4;
/// PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR. Not STREAM_CLOSED, which is about frames that were on their way
/// when a stream ended.
const FAULTS: [u32; 3] = [0x1, 0x3, 0x6];

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

/// Passes our frames on. Puts text into GOAWAYs, which h2 writes without any, and says in SETTINGS
/// how long a header list the program takes: h2 itself is told a larger number, so that one that is too long costs its
/// call and not its connection.
#[derive(Debug)]
pub(super) struct Rewriter {
    scanner: Scanner,
    /// The start of a frame that may be changed: its header, and so much of its payload as decides.
    held: Option<Held>,
    /// What goes into each GOAWAY with this code.
    text: Option<(u32, &'static str)>,
    max_header_list: u32,
    fault_resets: u64,
    /// Streams whose RST_STREAM passed.
    resets: Vec<u32>,
}

#[derive(Debug)]
struct Held {
    head: FrameHead,
    payload: Vec<u8>,
    wanted: usize,
}

impl Rewriter {
    pub(super) fn new(scanner: Scanner, max_header_list: u32) -> Self {
        Self { scanner, held: None, text: None, max_header_list, fault_resets: 0, resets: Vec::new() }
    }

    pub(super) fn set_text(&mut self, code: u32, text: &'static str) {
        self.text = Some((code, text));
    }

    /// Takes all of `bytes`; the start of a frame may wait for the next call.
    pub(super) fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(piece) = self.scanner.next(&mut bytes) {
            match piece {
                Piece::Preface(part) => out.extend_from_slice(part),
                Piece::Head(head) => match self.wanted(head) {
                    Some(wanted) => {
                        self.held = Some(Held { head, payload: Vec::with_capacity(wanted), wanted })
                    }
                    None => out.extend_from_slice(&head.encode()),
                },
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

    /// How much of a frame's payload must be seen before it can go.
    fn wanted(&self, head: FrameHead) -> Option<usize> {
        match head.kind {
            GOAWAY if self.text.is_some() => Some(GOAWAY_FIXED),
            RST_STREAM => Some(CODE),
            SETTINGS if !head.is_ack() && head.length <= SETTINGS_HELD => Some(head.length as usize),
            _ => None,
        }
    }

    /// How many RST_STREAMs passed that are about a fault of the peer.
    pub(super) fn fault_resets(&self) -> u64 {
        self.fault_resets
    }

    /// The streams whose RST_STREAM passed since this was asked last.
    pub(super) fn take_resets(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.resets.drain(..)
    }

    /// Whether a frame of our own can be put behind what passed.
    pub(super) fn is_between_frames(&self) -> bool {
        self.held.is_none() && self.scanner.is_between_frames()
    }

    fn goaway_text(&self, payload: &[u8]) -> &'static str {
        match (parse_goaway(payload), self.text) {
            (Some(frame), Some((code, text))) if frame.code == code => text,
            _ => "",
        }
    }

    fn on_payload(&mut self, part: &[u8], out: &mut Vec<u8>) {
        let Some(held) = &mut self.held else {
            return out.extend_from_slice(part);
        };
        let (now, later) = part.split_at(part.len().min(held.wanted - held.payload.len()));
        held.payload.extend_from_slice(now);
        if held.payload.len() == held.wanted {
            self.release(out);
            out.extend_from_slice(later);
        }
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        let Some(Held { mut head, mut payload, .. }) = self.held.take() else { return };
        let mut text = "";
        match head.kind {
            GOAWAY => text = self.goaway_text(&payload),
            SETTINGS => replace_setting(&mut payload, MAX_HEADER_LIST_SIZE, self.max_header_list),
            _ => {
                self.resets.push(head.stream_id());
                self.fault_resets += u64::from(is_fault(&payload));
            }
        }
        head.length += text.len() as u32;
        out.reserve(HEADER_LEN + payload.len() + text.len());
        out.extend_from_slice(&head.encode());
        out.extend_from_slice(&payload);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Whether a RST_STREAM says that the peer broke a rule.
fn is_fault(payload: &[u8]) -> bool {
    payload.first_chunk::<CODE>().is_some_and(|code| FAULTS.contains(&u32::from_be_bytes(*code)))
}

//! One direction of an HTTP/2 connection, followed frame by frame (RFC 9113 §4.1).

pub(super) const HEADER_LEN: usize = 9;
/// What h2 keeps for a DATA frame is more than the data in those below this length.
pub(crate) const SMALL: usize = 256;
pub(super) const PREFACE_LEN: usize = 24;

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PUSH_PROMISE: u8 = 0x5;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const CONTINUATION: u8 = 0x9;

/// ACK, in SETTINGS and PING.
pub(super) const ACK: u8 = 0x1;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const PADDED: u8 = 0x8;
pub(super) const END_HEADERS: u8 = 0x4;

/// A frame's first nine bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// With the reserved bit, so that [`FrameHead::encode`] gives back what came in.
    raw_stream_id: u32,
}

impl FrameHead {
    fn parse(bytes: [u8; HEADER_LEN]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind,
            flags,
            raw_stream_id: u32::from_be_bytes([s0, s1, s2, s3]),
        }
    }

    pub(super) fn encode(self) -> [u8; HEADER_LEN] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = self.raw_stream_id.to_be_bytes();
        [l0, l1, l2, self.kind, self.flags, s0, s1, s2, s3]
    }

    pub(super) fn stream_id(self) -> u32 {
        self.raw_stream_id & 0x7fff_ffff
    }

    /// Whether it is a piece of a request, not its end, for which more is kept than the piece. One that is padded may be.
    pub(super) fn is_small_data(self) -> bool {
        self.kind == DATA
            && self.flags & END_STREAM == 0
            && (self.flags & PADDED != 0 || (1..SMALL).contains(&(self.length as usize)))
    }

    pub(super) fn is_ack(self) -> bool {
        self.flags & ACK != 0
    }
}

/// What the next bytes of the stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Part of the client's connection preface.
    Preface(&'a [u8]),
    /// A frame header became whole.
    Head(FrameHead),
    /// Part of the current frame's payload; never empty.
    Payload(&'a [u8]),
    /// The current frame is complete.
    End(FrameHead),
}

/// A [`Piece`] without its bytes, so that they can be changed while it is looked at.
pub(super) enum Extent {
    Preface,
    Head(FrameHead),
    Payload(usize),
    End(FrameHead),
}

impl Extent {
    pub(super) fn of(piece: Piece<'_>) -> Self {
        match piece {
            Piece::Preface(_) => Self::Preface,
            Piece::Head(head) => Self::Head(head),
            Piece::Payload(bytes) => Self::Payload(bytes.len()),
            Piece::End(head) => Self::End(head),
        }
    }
}

/// Cuts a byte stream into [`Piece`]s, however it is chunked. Garbage gives garbage pieces, never a panic.
#[derive(Debug)]
pub(super) struct Scanner {
    at: At,
    /// HEADERS without END_HEADERS came: only CONTINUATION may follow (RFC 9113 §6.10).
    in_header_block: bool,
}

#[derive(Debug)]
enum At {
    Preface { left: usize },
    Header { bytes: [u8; HEADER_LEN], have: usize },
    Payload { head: FrameHead, left: usize },
}

const NEXT_HEADER: At = At::Header { bytes: [0; HEADER_LEN], have: 0 };

impl Scanner {
    /// For the direction that carries the client's preface.
    pub(super) fn after_preface() -> Self {
        Self { at: At::Preface { left: PREFACE_LEN }, in_header_block: false }
    }

    /// For the direction that starts with a frame.
    pub(super) fn frames_only() -> Self {
        Self { at: NEXT_HEADER, in_header_block: false }
    }

    /// Takes the next piece off `input`; `None` when more bytes are needed (all of `input` is taken then).
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        match &mut self.at {
            At::Preface { left } => {
                let taken = take(input, *left)?;
                *left -= taken.len();
                if *left == 0 {
                    self.at = NEXT_HEADER;
                }
                Some(Piece::Preface(taken))
            }
            At::Header { bytes, have } => {
                if *have == 0
                    && let Some((whole, rest)) = input.split_first_chunk()
                {
                    *input = rest;
                    let head = FrameHead::parse(*whole);
                    return Some(self.on_head(head));
                }
                let taken = take(input, HEADER_LEN - *have)?;
                for (to, from) in bytes.iter_mut().skip(*have).zip(taken) {
                    *to = *from;
                }
                *have += taken.len();
                if *have < HEADER_LEN {
                    return None;
                }
                let head = FrameHead::parse(*bytes);
                Some(self.on_head(head))
            }
            At::Payload { head, left: 0 } => {
                let head = *head;
                self.at = NEXT_HEADER;
                Some(Piece::End(head))
            }
            At::Payload { left, .. } => {
                let taken = take(input, *left)?;
                *left -= taken.len();
                Some(Piece::Payload(taken))
            }
        }
    }

    fn on_head<'a>(&mut self, head: FrameHead) -> Piece<'a> {
        self.at = At::Payload { head, left: head.length as usize };
        if matches!(head.kind, HEADERS | PUSH_PROMISE | CONTINUATION) {
            self.in_header_block = head.flags & END_HEADERS == 0;
        }
        Piece::Head(head)
    }

    /// Whether a frame of our own can be put in here without breaking another one, or a header block.
    pub(super) fn is_between_frames(&self) -> bool {
        matches!(self.at, At::Header { have: 0, .. }) && !self.in_header_block
    }

    /// How many bytes can come without passing a place where [`Scanner::is_between_frames`] might hold.
    pub(super) fn bytes_to_next_step(&self) -> usize {
        match &self.at {
            At::Preface { left } | At::Payload { left, .. } => *left,
            At::Header { have, .. } => HEADER_LEN - *have,
        }
    }

    /// Takes back the bytes of a frame header that is not whole yet: they will come again. Their number.
    pub(super) fn rewind_header(&mut self) -> usize {
        match &mut self.at {
            At::Header { have, .. } => std::mem::take(have),
            _ => 0,
        }
    }

    /// Whether the client's preface is still being read.
    pub(super) fn is_in_preface(&self) -> bool {
        matches!(self.at, At::Preface { .. })
    }

    /// The type of the frame whose payload is being read.
    pub(super) fn payload_kind(&self) -> Option<u8> {
        match &self.at {
            At::Payload { head, .. } => Some(head.kind),
            _ => None,
        }
    }

    /// The bytes of a frame header that is not whole yet.
    pub(super) fn partial_header(&self) -> &[u8] {
        match &self.at {
            At::Header { bytes, have } => bytes.get(..*have).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Takes up to `most` bytes off `input`; `None` when there are none.
fn take<'a>(input: &mut &'a [u8], most: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    (!taken.is_empty()).then_some(taken)
}

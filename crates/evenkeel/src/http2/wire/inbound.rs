//! What the peer sends, on its way to h2: listened to, and changed where h2 would take it amiss.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::coalesce::Coalescer;
use super::facts::WireFacts;
use super::goaway::{GOAWAY_FIXED, parse_goaway};
use super::long_blocks::too_long;
use super::opening::{Foreign, Opening, PrefaceCheck};
use super::scan::{
    ACK, CONTINUATION, DATA, END_HEADERS, Extent, FrameHead, GOAWAY, HEADER_LEN, HEADERS, PING, Piece,
    RST_STREAM, SETTINGS, Scanner,
};
use super::settings::{KEPT, MAX_HEADER_LIST_SIZE, setting};
use super::trailers::{RequestTrailers, refuse_trailers};
use super::turn::Turn;
use super::unread::Unread;

/// How much of a GOAWAY's debug data is kept.
const DEBUG_DATA_KEPT: usize = 1024;
/// The payload of the PING with which h2 starts a graceful shutdown.
pub(super) const SHUTDOWN_PING: [u8; 8] = [0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

/// One direction of a connection: the peer's.
#[derive(Debug)]
pub(super) struct Inbound {
    scanner: Scanner,
    first: First,
    /// The payload of the GOAWAY or SETTINGS that is arriving, as far as it matters.
    payload: Vec<u8>,
    /// The start of a frame header at which the last read ended: what is to become of its frame is not known yet.
    carry: Vec<u8>,
    shutdown_ack: HandIn,
    /// Who waits for bytes to read.
    reader: Option<Waker>,
    turn: Turn,
    /// How much of a header block has come whose end has not.
    block: usize,
    /// From how much on a block is told.
    long_block: usize,
    preface_is_over: bool,
    unread: Unread,
    /// What a client sends after its messages, which gRPC has no use for; `None` towards a server.
    trailers: Option<RequestTrailers>,
}

/// What the peer must begin with.
#[derive(Debug)]
enum First {
    Settings(Opening),
    Preface(PrefaceCheck),
}

/// The PING ACK that the peer never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HandIn {
    No,
    /// To be put in at the next place between two frames.
    Wanted,
    /// So many of its bytes are delivered.
    Delivering(usize),
}

/// The bytes of one read.
struct Region {
    from: usize,
    at_end: bool,
}

impl Inbound {
    /// `max_header_list`: what the program takes.
    pub(super) fn of_server(max_header_list: u32) -> Self {
        let long_block = too_long(max_header_list);
        Self { long_block, ..Self::new(Scanner::frames_only(), First::Settings(Opening::default())) }
    }

    pub(super) fn of_client() -> Self {
        let trailers = Some(RequestTrailers::default());
        Self { trailers, ..Self::new(Scanner::after_preface(), First::Preface(PrefaceCheck::default())) }
    }

    fn new(scanner: Scanner, first: First) -> Self {
        Self {
            scanner,
            first,
            payload: Vec::new(),
            carry: Vec::new(),
            shutdown_ack: HandIn::No,
            reader: None,
            turn: Turn::default(),
            block: 0,
            long_block: usize::MAX,
            preface_is_over: false,
            unread: Unread::default(),
            trailers: None,
        }
    }

    /// Nobody will read what comes on these streams from now on.
    pub(super) fn on_unread(&mut self, streams: impl IntoIterator<Item = u32>) {
        streams.into_iter().for_each(|stream| self.unread.add(stream));
    }

    /// What the peer is owed, if that is enough for a frame.
    pub(super) fn window_update(&mut self) -> Option<[u8; 13]> {
        self.unread.window_update()
    }

    pub(super) fn limit_frames_a_turn(&mut self) {
        self.turn.limit();
    }

    pub(super) fn start_turn(&mut self) {
        if self.turn.is_over()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        self.turn.start();
    }

    /// Whether the client's preface is still to come: nothing may be said before it is known to speak HTTP/2.
    pub(super) fn is_in_preface(&self) -> bool {
        !self.preface_is_over && self.scanner.is_in_preface()
    }

    /// Nothing is waited for any more.
    pub(super) fn end_preface(&mut self) {
        self.preface_is_over = true;
    }

    pub(super) fn hand_in_shutdown_ack(&mut self) {
        if self.shutdown_ack == HandIn::No {
            self.shutdown_ack = HandIn::Wanted;
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    pub(super) fn poll_read<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        facts: &WireFacts,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn.is_over() {
            // What was read comes first; the next turn wakes us.
            return self.or_wait(Poll::Pending, cx);
        }
        if self.shutdown_ack == HandIn::Wanted && self.scanner.is_between_frames() {
            self.shutdown_ack = HandIn::Delivering(0);
        }
        match self.shutdown_ack {
            HandIn::Delivering(done) => {
                self.deliver_ack(done, buf);
                Poll::Ready(Ok(()))
            }
            HandIn::Wanted => self.poll_to_next_step(io, facts, cx, buf),
            HandIn::No => self.poll_region(io, facts, cx, buf),
        }
    }

    fn poll_region<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        facts: &WireFacts,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if buf.remaining() <= self.carry.len() {
                return self.deliver_carry(buf, facts);
            }
            let from = buf.filled().len();
            buf.put_slice(&self.carry);
            let read = Pin::new(&mut *io).poll_read(cx, buf);
            let fresh = buf.filled().len() - from - self.carry.len();
            if !matches!(read, Poll::Ready(Ok(()))) {
                buf.set_filled(from);
                return self.or_wait(read, cx);
            }
            facts.on_read(fresh);
            let is_clear =
                self.check_first(buf.filled().get(from + self.carry.len()..).unwrap_or_default(), facts)?;
            if !is_clear && fresh > 0 {
                // h2 would end the connection at once, and nobody would know what the client speaks.
                self.carry.clear();
                self.carry.extend_from_slice(buf.filled().get(from..).unwrap_or_default());
                buf.set_filled(from);
                continue;
            }
            self.carry.clear();
            let region = Region { from, at_end: fresh == 0 };
            let kept = self.pass(buf.filled_mut(), region, facts);
            buf.set_filled(from + kept);
            if kept > 0 || fresh == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Where there is no room to look at a frame header as a whole.
    fn deliver_carry(&mut self, buf: &mut ReadBuf<'_>, facts: &WireFacts) -> Poll<io::Result<()>> {
        let now = self.carry.len().min(buf.remaining());
        let part: Vec<u8> = self.carry.drain(..now).collect();
        buf.put_slice(&part);
        self.listen(&part, facts);
        // What is left cannot be looked at any more either.
        Poll::Ready(Ok(()))
    }

    fn deliver_ack(&mut self, done: usize, buf: &mut ReadBuf<'_>) {
        let mut ack = [0; HEADER_LEN + SHUTDOWN_PING.len()];
        let (head, payload) = ack.split_at_mut(HEADER_LEN);
        head.copy_from_slice(&[0, 0, 8, PING, ACK, 0, 0, 0, 0]);
        payload.copy_from_slice(&SHUTDOWN_PING);
        let rest = ack.get(done..).unwrap_or_default();
        let now = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..now).unwrap_or_default());
        self.shutdown_ack = if now == rest.len() { HandIn::No } else { HandIn::Delivering(done + now) };
    }

    /// While the ACK waits for its place, no read may run past that place.
    fn poll_to_next_step<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        facts: &WireFacts,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.carry.is_empty() {
            return self.deliver_carry(buf, facts);
        }
        let mut bytes = [0; 1024];
        let most = self.scanner.bytes_to_next_step().min(buf.remaining()).min(bytes.len());
        let mut step = ReadBuf::new(bytes.get_mut(..most).unwrap_or_default());
        let read = Pin::new(io).poll_read(cx, &mut step);
        ready!(self.or_wait(read, cx))?;
        facts.on_read(step.filled().len());
        self.check_first(step.filled(), facts)?;
        self.listen(step.filled(), facts);
        buf.put_slice(step.filled());
        Poll::Ready(Ok(()))
    }

    /// Notes who waits when the socket has nothing: an ACK handed in must wake them.
    fn or_wait(&mut self, read: Poll<io::Result<()>>, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if read.is_pending() {
            match &mut self.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        read
    }

    /// Looks at a read, and changes it in its place; says how much of it is left.
    fn pass(&mut self, filled: &mut [u8], region: Region, facts: &WireFacts) -> usize {
        let left = self.pass_frames(filled, region, facts);
        facts.on_small_data(left.small());
        left.len()
    }

    fn pass_frames(&mut self, filled: &mut [u8], region: Region, facts: &WireFacts) -> Coalescer {
        let bytes = filled.get_mut(region.from..).unwrap_or_default();
        let total = bytes.len();
        let mut coalescer = Coalescer::default();
        self.on_unread(facts.unread().take_all());
        // The frame that is being looked at: where it began, and its header if that lies in this read.
        let (mut began, mut head, mut at) = (0, None, 0);
        loop {
            let mut rest = bytes.get(at..).unwrap_or_default();
            let Some(piece) = self.scanner.next(&mut rest) else { break };
            let taken = Extent::of(piece);
            at = total - rest.len();
            match taken {
                Extent::Head(frame) => {
                    self.turn.on_frame(frame);
                    head = (at - began == HEADER_LEN).then_some(frame);
                    if self.trailers.as_mut().is_some_and(|trailers| trailers.are_too_long(frame)) {
                        refuse_trailers(bytes, began, &mut head);
                    }
                }
                Extent::Payload(len) => self.on_payload(bytes.get(at - len..at).unwrap_or_default()),
                Extent::End(frame) => {
                    self.on_end(frame, facts);
                    match head.take() {
                        Some(head) if self.unread.swallows(head) => coalescer.leave_out(),
                        head => coalescer.on_frame(bytes, (began, at), head, true),
                    }
                    began = at;
                }
                Extent::Preface => {
                    coalescer.on_frame(bytes, (began, at), None, false);
                    began = at;
                }
            }
        }
        if head.is_none() && !region.at_end && began < total {
            // An incomplete header that began in this read; a payload's rest has none to be rewound.
            let held = self.scanner.partial_header().len();
            if held == total - began {
                self.carry.extend_from_slice(bytes.get(began..).unwrap_or_default());
                self.scanner.rewind_header();
                return coalescer;
            }
        }
        coalescer.on_frame(bytes, (began, total), head, false);
        coalescer
    }

    /// Looks at bytes that go on as they are.
    fn listen(&mut self, mut bytes: &[u8], facts: &WireFacts) {
        while let Some(piece) = self.scanner.next(&mut bytes) {
            match piece {
                Piece::Head(head) => {
                    self.turn.on_frame(head);
                    facts.on_small_data(u32::from(head.is_small_data()));
                }
                Piece::Payload(payload) => self.on_payload(payload),
                Piece::End(head) => self.on_end(head, facts),
                Piece::Preface(_) => {}
            }
        }
    }

    /// Judges what the peer begins with by its next bytes; whether they may go on to h2, as far as that is known.
    ///
    /// # Errors
    /// When a client speaks something else than HTTP/2: h2 must not go on waiting for its preface.
    fn check_first(&mut self, bytes: &[u8], facts: &WireFacts) -> io::Result<bool> {
        match &mut self.first {
            First::Settings(opening) => {
                if let Some(foreign) = opening.on_bytes(bytes) {
                    facts.on_foreign(foreign);
                }
                Ok(true)
            }
            First::Preface(check) => match check.on_bytes(bytes) {
                None => Ok(!check.is_in_doubt()),
                Some(foreign) => {
                    facts.on_foreign(foreign);
                    // An HTTP/1 client has an answer of its own to come; to others our SETTINGS say what we speak.
                    self.preface_is_over = foreign != Foreign::Http1;
                    Err(io::Error::new(io::ErrorKind::InvalidData, foreign.describe()))
                }
            },
        }
    }

    fn on_payload(&mut self, payload: &[u8]) {
        let kept = match self.scanner.payload_kind() {
            Some(GOAWAY) => GOAWAY_FIXED + DEBUG_DATA_KEPT,
            Some(SETTINGS) => KEPT,
            _ => return,
        };
        let room = kept.saturating_sub(self.payload.len());
        self.payload.extend(payload.iter().take(room));
    }

    fn on_end(&mut self, head: FrameHead, facts: &WireFacts) {
        match head.kind {
            DATA => return facts.on_message(),
            HEADERS | CONTINUATION => return self.on_header_block(head, facts),
            RST_STREAM => return facts.on_reset(),
            SETTINGS if !head.is_ack() => facts.on_settings(setting(&self.payload, MAX_HEADER_LIST_SIZE)),
            PING => facts.on_ping(head.is_ack()),
            GOAWAY => {
                if let Some(frame) = parse_goaway(&self.payload) {
                    facts.on_goaway(frame);
                }
            }
            SETTINGS => {}
            _ => return,
        }
        self.payload = Vec::new();
    }

    fn on_header_block(&mut self, head: FrameHead, facts: &WireFacts) {
        facts.on_message();
        let before = if head.kind == HEADERS { 0 } else { self.block };
        let all = before + head.length as usize;
        let is_over = head.flags & END_HEADERS != 0;
        if is_over && all > self.long_block {
            facts.long_blocks().add(head.stream_id());
        }
        let block = if is_over { 0 } else { all };
        if block != self.block {
            self.block = block;
            facts.on_header_block(block);
        }
    }
}

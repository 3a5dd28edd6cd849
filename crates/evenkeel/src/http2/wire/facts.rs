//! What the bytes of a connection told, readable from any thread.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::long_blocks::LONG_BLOCKS;
use super::marked::MarkedStreams;
use super::opening::Foreign;
use super::unread::REMEMBERED;

/// A GOAWAY frame (RFC 9113 §6.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoAwayFrame {
    /// Streams with a higher id were not and will not be processed.
    pub(crate) last_stream_id: u32,
    /// The error code; 0 is NO_ERROR.
    pub(crate) code: u32,
    /// The debug data as text, at most 1 KiB of it.
    pub(crate) debug: Arc<str>,
}

/// No GOAWAY yet: a value that no 31-bit stream id can take.
const NONE: u32 = u32::MAX;

/// What a connection's bytes told so far. Written by the connection's task, read by anyone.
#[derive(Debug)]
pub(crate) struct WireFacts {
    foreign: OnceLock<Foreign>,
    settings_received: AtomicBool,
    peer_max_header_list: AtomicU32,
    goaway: Mutex<Option<GoAwayFrame>>,
    goaway_last_id: AtomicU32,
    goaway_written_last_id: AtomicU32,
    highest_headers_started: AtomicU32,
    peer_resets: AtomicU64,
    fault_resets: AtomicU64,
    header_block: AtomicUsize,
    small_data: AtomicU64,
    long_blocks: MarkedStreams,
    unread: MarkedStreams,
    peer_pings: AtomicU64,
    peer_ping_acks: AtomicU64,
    bytes_read: AtomicU64,
    messages_read: AtomicU64,
    bytes_written: AtomicU64,
    socket_writes: AtomicU64,
}

impl WireFacts {
    pub(super) fn new() -> Self {
        Self {
            foreign: OnceLock::new(),
            settings_received: AtomicBool::new(false),
            peer_max_header_list: AtomicU32::new(u32::MAX),
            goaway: Mutex::new(None),
            goaway_last_id: AtomicU32::new(NONE),
            goaway_written_last_id: AtomicU32::new(NONE),
            highest_headers_started: AtomicU32::new(0),
            peer_resets: AtomicU64::new(0),
            fault_resets: AtomicU64::new(0),
            header_block: AtomicUsize::new(0),
            small_data: AtomicU64::new(0),
            long_blocks: MarkedStreams::at_most(LONG_BLOCKS),
            unread: MarkedStreams::at_most(REMEMBERED),
            peer_pings: AtomicU64::new(0),
            peer_ping_acks: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            messages_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            socket_writes: AtomicU64::new(0),
        }
    }

    /// What the peer speaks instead of HTTP/2.
    pub(crate) fn foreign(&self) -> Option<Foreign> {
        self.foreign.get().copied()
    }

    /// Whether the peer's first SETTINGS frame has come, whole.
    pub(crate) fn settings_received(&self) -> bool {
        self.settings_received.load(Ordering::Acquire)
    }

    /// How long a header list may be that the peer takes (SETTINGS_MAX_HEADER_LIST_SIZE), `u32::MAX` until it says so.
    pub(crate) fn peer_max_header_list(&self) -> u32 {
        self.peer_max_header_list.load(Ordering::Acquire)
    }

    /// The peer's GOAWAY: of several, the latest text and code with the smallest id.
    pub(crate) fn goaway(&self) -> Option<GoAwayFrame> {
        self.goaway.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last stream id of the peer's GOAWAY, the smallest of several. Costs one atomic load.
    pub(crate) fn goaway_last_id(&self) -> Option<u32> {
        some_id(self.goaway_last_id.load(Ordering::Acquire))
    }

    /// The last stream id of the GOAWAY that we wrote, the smallest of several; counted once the socket took it whole.
    pub(crate) fn goaway_written_last_id(&self) -> Option<u32> {
        some_id(self.goaway_written_last_id.load(Ordering::Acquire))
    }

    /// The highest stream id whose HEADERS frame header the socket took whole.
    ///
    /// A stream above it never left us: the peer cannot even know its id, whatever happens to the connection.
    pub(crate) fn highest_headers_started(&self) -> u32 {
        self.highest_headers_started.load(Ordering::Acquire)
    }

    /// How many streams the peer has reset.
    pub(crate) fn peer_resets(&self) -> u64 {
        self.peer_resets.load(Ordering::Relaxed)
    }

    /// How many streams h2 has reset for faults of the peer.
    pub(crate) fn fault_resets(&self) -> u64 {
        self.fault_resets.load(Ordering::Relaxed)
    }

    /// How much of a header block has come whose end has not; zero when there is none.
    pub(crate) fn header_block(&self) -> usize {
        self.header_block.load(Ordering::Relaxed)
    }

    /// How many DATA frames below [`SMALL`](super::SMALL), and not the last of their stream, h2 was given. Padded ones
    /// count as such.
    pub(crate) fn small_data(&self) -> u64 {
        self.small_data.load(Ordering::Relaxed)
    }

    /// Streams with header blocks that are certainly longer than the program takes.
    pub(crate) fn long_blocks(&self) -> &MarkedStreams {
        &self.long_blocks
    }

    /// Streams of which nobody will read what comes from now on, though they are not reset.
    pub(crate) fn unread(&self) -> &MarkedStreams {
        &self.unread
    }

    /// How many PINGs (not ACKs) the peer has sent.
    #[cfg(test)]
    pub(crate) fn peer_pings(&self) -> u64 {
        self.peer_pings.load(Ordering::Relaxed)
    }

    /// How many PING ACKs the peer has sent; one handed in by us does not count.
    #[cfg(test)]
    pub(crate) fn peer_ping_acks(&self) -> u64 {
        self.peer_ping_acks.load(Ordering::Relaxed)
    }

    /// How many HEADERS and DATA frames have come, whole.
    pub(crate) fn messages_read(&self) -> u64 {
        self.messages_read.load(Ordering::Relaxed)
    }

    /// Bytes that came from the socket.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Bytes that the socket took.
    #[cfg(test)]
    pub(crate) fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }

    /// How many writes the socket took bytes from.
    #[cfg(test)]
    pub(crate) fn socket_writes(&self) -> u64 {
        self.socket_writes.load(Ordering::Relaxed)
    }

    pub(super) fn on_foreign(&self, foreign: Foreign) {
        // It is told once.
        let _ = self.foreign.set(foreign);
    }

    pub(super) fn on_settings(&self, max_header_list: Option<u32>) {
        if let Some(max) = max_header_list {
            self.peer_max_header_list.store(max, Ordering::Release);
        }
        self.settings_received.store(true, Ordering::Release);
    }

    pub(super) fn on_goaway(&self, mut frame: GoAwayFrame) {
        let mut goaway = self.goaway.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = &*goaway {
            frame.last_stream_id = frame.last_stream_id.min(before.last_stream_id);
        }
        self.goaway_last_id.store(frame.last_stream_id, Ordering::Release);
        *goaway = Some(frame);
    }

    pub(super) fn on_goaway_written(&self, last_stream_id: u32) {
        self.goaway_written_last_id.fetch_min(last_stream_id, Ordering::AcqRel);
    }

    pub(super) fn on_headers_written(&self, stream_id: u32) {
        self.highest_headers_started.fetch_max(stream_id, Ordering::AcqRel);
    }

    pub(super) fn on_ping(&self, is_ack: bool) {
        bump(if is_ack { &self.peer_ping_acks } else { &self.peer_pings }, 1);
    }

    pub(super) fn on_reset(&self) {
        bump(&self.peer_resets, 1);
    }

    pub(super) fn on_fault_resets(&self, count: u64) {
        self.fault_resets.store(count, Ordering::Relaxed);
    }

    pub(super) fn on_header_block(&self, bytes: usize) {
        self.header_block.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn on_small_data(&self, count: u32) {
        if count > 0 {
            bump(&self.small_data, count as usize);
        }
    }

    pub(super) fn on_message(&self) {
        bump(&self.messages_read, 1);
    }

    pub(super) fn on_read(&self, bytes: usize) {
        bump(&self.bytes_read, bytes);
    }

    pub(super) fn on_socket_write(&self, bytes: usize) {
        bump(&self.bytes_written, bytes);
        bump(&self.socket_writes, 1);
    }
}

fn some_id(id: u32) -> Option<u32> {
    (id != NONE).then_some(id)
}

/// There is one writer, the connection's task: a load and a store are enough.
fn bump(counter: &AtomicU64, by: usize) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by as u64), Ordering::Relaxed);
}

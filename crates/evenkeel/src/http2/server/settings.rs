//! HTTP/2 settings, and h2's own limits sized for gRPC.

use std::time::Duration;

use crate::http2::header_list::limit_for_h2;
use crate::http2::wire::SMALL;

/// What a server's program can set about HTTP/2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http2Settings {
    /// Bytes a peer may send on one stream before they are read.
    pub(crate) stream_window: u32,
    /// Bytes a peer may send on one connection before they are read: what the window may grow to.
    pub(crate) connection_window: u32,
    /// Streams a peer may have open at once; `None` is no limit.
    pub(crate) max_concurrent_streams: Option<u32>,
    /// Bytes of one request's decoded headers; more fails that request.
    pub(crate) max_header_list_size: u32,
    /// Bytes of the table that a peer may fill with headers to refer to later; `None` is HTTP/2's 4 KiB.
    pub(crate) header_table_size: Option<u32>,
    /// The largest frame payload that is accepted; `None` is HTTP/2's 16 KiB.
    pub(crate) max_frame_size: Option<u32>,
}

/// The most small pieces of requests that h2 keeps of a connection. What it has for them doubles as they grow more, and
/// beside the heads of requests there is room for so many in 8,192.
pub(super) const MOST_SMALL_FRAMES: u64 = 7_000;
/// h2 charges each unread DATA frame 256 bytes less its length, and ends the connection when more than this is charged.
/// A first window full of frames of 10 bytes is within it, and frames that arrive side by side are made one before h2 sees
/// them (see the wire). What they take is accounted for (see the flood watch): one connection may have so many, many
/// connections may not.
const DATA_FRAME_BUDGET: usize = MOST_SMALL_FRAMES as usize * (SMALL - 1);

/// Calls that the client cancelled before h2 gave them to us. All that arrived while the process had no CPU comes in
/// one piece, so a healthy client whose deadlines passed meanwhile shows thousands (h2's default kills its
/// connection at 20). They never start a handler: what an attacker gets for the price of a HEADERS and an RST_STREAM
/// is a header block decoded and, at most so many at once, kept for a moment.
const CANCELLED_BEFORE_ACCEPTED: usize = 8_192;

/// Streams that we reset are remembered, so that what the client sent before it learnt of it is dropped silently.
/// h2's defaults (50 streams, 1 s) forget under load, and each late frame of a forgotten stream is answered.
/// A remembered stream costs about a KiB.
const REMEMBERED_RESETS: usize = 500;
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

impl Http2Settings {
    pub(super) fn builder(&self) -> h2::server::Builder {
        let mut builder = h2::server::Builder::new();
        builder
            .initial_window_size(self.stream_window)
            .max_header_list_size(limit_for_h2(self.max_header_list_size))
            .max_pending_accept_reset_streams(CANCELLED_BEFORE_ACCEPTED)
            .max_concurrent_reset_streams(REMEMBERED_RESETS)
            .reset_stream_duration(REMEMBERED_FOR)
            // It counts over a connection's whole life; rates do it better (see the flood watch).
            .max_local_error_reset_streams(None)
            .data_frame_budget(DATA_FRAME_BUDGET);
        if let Some(max) = self.max_concurrent_streams {
            builder.max_concurrent_streams(max);
        }
        if let Some(size) = self.header_table_size {
            builder.header_table_size(size);
        }
        if let Some(max) = self.max_frame_size {
            builder.max_frame_size(max);
        }
        builder
    }
}

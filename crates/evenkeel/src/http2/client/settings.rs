//! What a client connection tells `h2` and the peer.

use std::time::Duration;

use evenkeel_core::connect::{Keepalive, LivenessSettings};
use h2::client::Builder;

use crate::http2::header_list::limit_for_h2;

/// HTTP/2 settings of a channel's connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http2Settings {
    /// Bytes a server may send ahead on one stream.
    pub(crate) stream_window: u32,
    /// Bytes a server may send ahead on all streams of a connection.
    pub(crate) connection_window: u32,
    /// Bytes of a response's head, or of its trailers, that are accepted; more fails their call.
    pub(crate) max_header_list_size: u32,
    /// Bytes of the table that a server may fill with headers to refer to later; `None` is HTTP/2's 4 KiB.
    pub(crate) header_table_size: Option<u32>,
    /// The largest frame accepted.
    pub(crate) max_frame_size: u32,
    /// A call waits so long for a silent server before the server is asked by a PING; zero: for ever.
    pub(crate) suspect_after: Duration,
    /// PINGs whether or not a call has to wait; with an interval that never comes: none.
    pub(crate) keepalive: Keepalive,
    /// A connection that has opened a stream with a higher id is replaced; each one up to a tenth sooner.
    pub(crate) last_stream_id: u32,
}

/// h2 charges each unread DATA frame 256 bytes less its length, and ends the connection when this much is charged: some
/// 16,000 frames of a few bytes, of which each takes some 250 bytes. Frames of one stream that arrive side by side are
/// made one before h2 sees them (see the wire), so that a fast server and a slow reader do not come near it.
const DATA_FRAME_BUDGET: usize = 4 << 20;

/// Streams that we reset are remembered for a second, so that frames that were on their way are dropped quietly.
const REMEMBERED_RESETS: usize = 1024;

/// Past three quarters of the 2^31 stream ids a connection is replaced: at the end it would refuse every call.
const LAST_STREAM_ID: u32 = 3 << 29;

/// Longer than most calls take, and short enough for a caller to wait once.
const SUSPECT_AFTER: Duration = Duration::from_secs(1);

/// gRFC A8.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const LEAST_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            stream_window: 1 << 20,
            connection_window: 4 << 20,
            max_header_list_size: 16 << 10,
            header_table_size: None,
            max_frame_size: 16 << 10,
            suspect_after: SUSPECT_AFTER,
            keepalive: Keepalive {
                interval: Duration::MAX,
                timeout: KEEPALIVE_TIMEOUT,
                without_calls: false,
            },
            last_stream_id: LAST_STREAM_ID,
        }
    }
}

impl Http2Settings {
    /// One connection's own limit. Connections that were opened together and share their calls evenly would otherwise all
    /// be replaced in one moment.
    pub(super) fn draw_last_stream_id(self) -> u32 {
        self.last_stream_id - fastrand::u32(0..=self.last_stream_id / 10)
    }

    /// How a connection is watched, after so many complaints of too many PINGs: each doubles the interval (gRFC A8).
    pub(super) fn liveness(self, complaints: u32) -> LivenessSettings {
        let Self { suspect_after, keepalive, .. } = self;
        let is_on = keepalive.interval != Duration::MAX;
        let factor = 1_u32.checked_shl(complaints).unwrap_or(u32::MAX);
        let interval = keepalive.interval.max(LEAST_KEEPALIVE_INTERVAL).saturating_mul(factor);
        let keepalive = is_on.then_some(Keepalive { interval, ..keepalive });
        LivenessSettings { suspect_after, keepalive }
    }

    pub(super) fn builder(self) -> Builder {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .max_header_list_size(limit_for_h2(self.max_header_list_size))
            .max_frame_size(self.max_frame_size)
            // None may be opened before the server's SETTINGS say how many.
            .initial_max_send_streams(0)
            .data_frame_budget(DATA_FRAME_BUDGET)
            .max_concurrent_reset_streams(REMEMBERED_RESETS)
            // Counts over a connection's whole life what a server sends on streams that we cancelled: a limit would
            // end a healthy connection after so many cancelled calls.
            .max_local_error_reset_streams(None);
        if let Some(size) = self.header_table_size {
            builder.header_table_size(size);
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_complaint_of_too_many_pings_doubles_the_interval() {
        let mut settings = Http2Settings::default();
        assert_eq!(settings.liveness(0).keepalive, None);
        settings.keepalive.interval = Duration::from_secs(1);
        let interval = |complaints| settings.liveness(complaints).keepalive.unwrap().interval;
        assert_eq!([0, 1, 3].map(interval), [10, 20, 80].map(Duration::from_secs));
        assert!(interval(31) > interval(30) && interval(u32::MAX) >= interval(31));
    }

    #[test]
    fn connections_run_out_one_after_another() {
        let settings = Http2Settings { last_stream_id: 1000, ..Http2Settings::default() };
        let drawn: std::collections::BTreeSet<u32> =
            (0..200).map(|_| settings.draw_last_stream_id()).collect();
        assert!(drawn.iter().all(|last| (900..=1000).contains(last)), "{drawn:?}");
        assert!(drawn.len() > 20, "{drawn:?}");
        assert_eq!(Http2Settings { last_stream_id: 0, ..settings }.draw_last_stream_id(), 0);
    }
}

//! How a server's HTTP/2 is set: how much a client may send before it is read.

use super::ServerBuilder;

impl<L> ServerBuilder<L> {
    /// Bytes that a client may send on one stream before the handler reads them. Default: 1 MiB.
    #[must_use]
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.settings.http2.stream_window = bytes;
        self
    }

    /// Bytes that a client may send on one connection before handlers read them: what its window grows to, from HTTP/2's
    /// 64 KiB, as they are read. Default: 4 MiB.
    #[must_use]
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.settings.http2.connection_window = bytes;
        self
    }

    /// Calls that a client may have open at once on one connection; more are refused unprocessed, and gRPC clients
    /// hold them back. `None` is no limit. Default: 1,000.
    #[must_use]
    pub fn max_concurrent_streams(mut self, streams: impl Into<Option<u32>>) -> Self {
        self.settings.http2.max_concurrent_streams = streams.into();
        self
    }

    /// Bytes of one request's headers, decoded. A request with more fails with RESOURCE_EXHAUSTED, and up to 1 MiB more it
    /// alone notices. Default: 16 KiB.
    #[must_use]
    pub fn max_header_list_size(mut self, bytes: u32) -> Self {
        self.settings.http2.max_header_list_size = bytes;
        self
    }

    /// Bytes of the table in which clients keep headers that they send again and again (HPACK), per connection.
    /// Default: 4 KiB, HTTP/2's own.
    #[must_use]
    pub fn header_table_size(mut self, bytes: u32) -> Self {
        self.settings.http2.header_table_size = Some(bytes);
        self
    }

    /// The largest frame payload to accept, 16,384 to 16,777,215 bytes. Default: 16,384.
    #[must_use]
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.settings.http2.max_frame_size = Some(bytes);
        self
    }
}

//! What a program says about a channel's HTTP/2.

use super::ChannelBuilder;
use crate::client::error::BuildError;
use crate::http2::bounds::{FRAME_SIZES, LARGEST_WINDOW};

impl ChannelBuilder {
    /// Bytes that a server may send ahead of the reader on one stream. Default: 1 MiB; at most 2^31 - 1.
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.http2.stream_window = bytes;
        self
    }

    /// Bytes that a server may send ahead of the readers on one connection. Default: 4 MiB; at most 2^31 - 1.
    ///
    /// Readers that stop hold their share of it: with four stream windows, four of them stall the connection.
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.http2.connection_window = bytes;
        self
    }

    /// Bytes of response headers and trailers accepted. Default: 16 KiB.
    pub fn max_header_list_size(mut self, bytes: u32) -> Self {
        self.http2.max_header_list_size = bytes;
        self
    }

    /// Bytes of the table in which servers keep headers that they send again and again (HPACK), per connection.
    /// Default: 4 KiB, HTTP/2's own.
    pub fn header_table_size(mut self, bytes: u32) -> Self {
        self.http2.header_table_size = Some(bytes);
        self
    }

    /// The largest HTTP/2 frame accepted, in bytes. Default: 16 KiB; from 2^14 to 2^24 - 1.
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.http2.max_frame_size = bytes;
        self
    }

    /// The stream id past which a connection is replaced. A test cannot make a billion calls first: not for programs.
    #[doc(hidden)]
    pub fn last_stream_id(mut self, id: u32) -> Self {
        self.http2.last_stream_id = id;
        self
    }

    pub(super) fn check_http2(&self) -> Result<(), BuildError> {
        let settings = self.http2;
        let windows = [
            ("initial_stream_window_size", settings.stream_window),
            ("initial_connection_window_size", settings.connection_window),
        ];
        if settings.max_header_list_size == 0 {
            let setting = "max_header_list_size";
            return Err(BuildError::Setting { setting, value: 0, bounds: "at least 1" });
        }
        for (setting, value) in windows {
            if value == 0 || value > LARGEST_WINDOW {
                return Err(BuildError::Setting { setting, value, bounds: "from 1 to 2^31 - 1" });
            }
        }
        if !FRAME_SIZES.contains(&settings.max_frame_size) {
            let (setting, value) = ("max_frame_size", settings.max_frame_size);
            return Err(BuildError::Setting { setting, value, bounds: "from 2^14 to 2^24 - 1" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Channel;

    #[test]
    fn a_setting_that_cannot_be_is_named() {
        type Set = fn(ChannelBuilder, u32) -> ChannelBuilder;
        let settings: [(&str, Set, &[u32]); 4] = [
            (
                "initial_stream_window_size",
                ChannelBuilder::initial_stream_window_size,
                &[0, 1 << 31, u32::MAX],
            ),
            (
                "initial_connection_window_size",
                ChannelBuilder::initial_connection_window_size,
                &[0, 1 << 31, u32::MAX],
            ),
            ("max_header_list_size", ChannelBuilder::max_header_list_size, &[0]),
            ("max_frame_size", ChannelBuilder::max_frame_size, &[0, 16_383, 1 << 24]),
        ];
        for (name, set, values) in settings {
            for bad in values {
                let built = set(Channel::builder("ipv4:127.0.0.1:1"), *bad).build();
                let named = matches!(built, Err(BuildError::Setting { setting, value, .. }) if (setting, value) == (name, *bad));
                assert!(named, "{name} {bad}");
            }
        }
    }
}

//! HTTP/2 peers that send exactly what a test says and record every frame they are sent, in order.
//!
//! [`RawServer`] stands in for a server under a client's test, [`RawClient`] for a client under a server's. Nothing
//! here enforces HTTP/2's rules: a test may break any of them. Whatever does not happen within [`DEADLINE`] fails
//! the test and prints the whole record.

mod client;
mod connection;
mod decode;
mod expect;
mod frame;
mod headers;
mod log;
mod message;
mod server;

#[cfg(test)]
mod tests;

pub use client::RawClient;
pub use connection::{Automatic, RawConnection};
pub use expect::DEADLINE;
pub use frame::Frame;
pub use headers::Headers;
pub use log::{Entry, Event, Log};
pub use message::{decode_messages, encode_message};
pub use server::RawServer;

/// HTTP/2 error codes (RFC 9113 §7).
pub mod code {
    /// Graceful end, no error.
    pub const NO_ERROR: u32 = 0x0;
    /// The peer broke a rule.
    pub const PROTOCOL_ERROR: u32 = 0x1;
    /// The sender failed.
    pub const INTERNAL_ERROR: u32 = 0x2;
    /// Flow control was not kept.
    pub const FLOW_CONTROL_ERROR: u32 = 0x3;
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: u32 = 0x4;
    /// A frame for a stream that is half-closed.
    pub const STREAM_CLOSED: u32 = 0x5;
    /// A frame of a wrong size.
    pub const FRAME_SIZE_ERROR: u32 = 0x6;
    /// The stream was not worked on.
    pub const REFUSED_STREAM: u32 = 0x7;
    /// The stream is no longer wanted.
    pub const CANCEL: u32 = 0x8;
    /// The HPACK state is lost.
    pub const COMPRESSION_ERROR: u32 = 0x9;
    /// A CONNECT tunnel failed.
    pub const CONNECT_ERROR: u32 = 0xa;
    /// The peer asks too much.
    pub const ENHANCE_YOUR_CALM: u32 = 0xb;
    /// TLS is not good enough.
    pub const INADEQUATE_SECURITY: u32 = 0xc;
    /// Only HTTP/1.1 will do.
    pub const HTTP_1_1_REQUIRED: u32 = 0xd;
}

/// SETTINGS identifiers (RFC 9113 §6.5.2).
pub mod setting {
    /// SETTINGS_HEADER_TABLE_SIZE.
    pub const HEADER_TABLE_SIZE: u16 = 0x1;
    /// SETTINGS_ENABLE_PUSH.
    pub const ENABLE_PUSH: u16 = 0x2;
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
    /// SETTINGS_MAX_FRAME_SIZE.
    pub const MAX_FRAME_SIZE: u16 = 0x5;
    /// SETTINGS_MAX_HEADER_LIST_SIZE.
    pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

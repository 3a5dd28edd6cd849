//! HTTP/2 frames as tests speak of them (RFC 9113 §6).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::headers::Headers;

const FLAG_END_STREAM: u8 = 0x1;
const FLAG_ACK: u8 = 0x1;
const FLAG_END_HEADERS: u8 = 0x4;
const FLAG_PADDED: u8 = 0x8;

/// The most payload that a frame may carry as long as nobody raised SETTINGS_MAX_FRAME_SIZE.
pub(super) const MAX_PAYLOAD: usize = 16_384;

/// One HTTP/2 frame. A header block cut into CONTINUATION frames is one [`Frame::Headers`].
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// DATA. Padding is counted by the peer's flow control, but not kept here.
    Data {
        /// The stream's id.
        stream: u32,
        /// The payload without padding.
        data: Bytes,
        /// END_STREAM: the sender is done.
        end_stream: bool,
    },
    /// HEADERS with all its CONTINUATION frames.
    Headers {
        /// The stream's id.
        stream: u32,
        /// The decoded fields.
        headers: Headers,
        /// END_STREAM: the sender is done.
        end_stream: bool,
    },
    /// RST_STREAM.
    Reset {
        /// The stream's id.
        stream: u32,
        /// The error code, see [`super::code`].
        code: u32,
    },
    /// SETTINGS.
    Settings {
        /// It acknowledges the other side's.
        ack: bool,
        /// Identifier and value, in order.
        params: Vec<(u16, u32)>,
    },
    /// PING.
    Ping {
        /// It answers one.
        ack: bool,
        /// The opaque data.
        payload: [u8; 8],
    },
    /// GOAWAY.
    GoAway {
        /// The highest stream id that the sender may have worked on.
        last_stream: u32,
        /// The error code, see [`super::code`].
        code: u32,
        /// The debug data.
        debug: Bytes,
    },
    /// WINDOW_UPDATE.
    WindowUpdate {
        /// The stream's id, 0 for the connection.
        stream: u32,
        /// By how many bytes.
        increment: u32,
    },
    /// Any other type.
    Other {
        /// The frame type.
        kind: u8,
        /// The flags.
        flags: u8,
        /// The stream's id.
        stream: u32,
        /// The payload.
        payload: Bytes,
    },
}

impl Frame {
    /// The stream that the frame belongs to, 0 for the connection.
    pub fn stream(&self) -> u32 {
        match self {
            Self::Data { stream, .. }
            | Self::Headers { stream, .. }
            | Self::Reset { stream, .. }
            | Self::WindowUpdate { stream, .. }
            | Self::Other { stream, .. } => *stream,
            Self::Settings { .. } | Self::Ping { .. } | Self::GoAway { .. } => 0,
        }
    }

    /// Whether it is the sender's last frame on its stream, a reset not counted.
    pub fn is_end_stream(&self) -> bool {
        matches!(self, Self::Data { end_stream: true, .. } | Self::Headers { end_stream: true, .. })
    }

    /// The header fields, when it is HEADERS.
    pub fn headers(&self) -> Option<&Headers> {
        match self {
            Self::Headers { headers, .. } => Some(headers),
            _ => None,
        }
    }

    /// Its bytes on the wire.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Data { stream, data, end_stream } => {
                put_frame(&mut out, 0x0, end_flag(*end_stream), *stream, data);
            }
            Self::Headers { stream, headers, end_stream } => {
                put_headers(&mut out, *stream, headers, *end_stream);
            }
            Self::Reset { stream, code } => put_frame(&mut out, 0x3, 0, *stream, &code.to_be_bytes()),
            Self::Settings { ack, params } => {
                let mut payload = BytesMut::new();
                for (id, value) in params {
                    payload.put_u16(*id);
                    payload.put_u32(*value);
                }
                put_frame(&mut out, 0x4, if *ack { FLAG_ACK } else { 0 }, 0, &payload);
            }
            Self::Ping { ack, payload } => {
                put_frame(&mut out, 0x6, if *ack { FLAG_ACK } else { 0 }, 0, payload);
            }
            Self::GoAway { last_stream, code, debug } => {
                let mut payload = BytesMut::new();
                payload.put_u32(*last_stream);
                payload.put_u32(*code);
                payload.put_slice(debug);
                put_frame(&mut out, 0x7, 0, 0, &payload);
            }
            Self::WindowUpdate { stream, increment } => {
                put_frame(&mut out, 0x8, 0, *stream, &increment.to_be_bytes());
            }
            Self::Other { kind, flags, stream, payload } => {
                put_frame(&mut out, *kind, *flags, *stream, payload);
            }
        }
        out.freeze()
    }

    /// A DATA frame's bytes with `padding` bytes of padding.
    pub fn encode_padded_data(stream: u32, data: &[u8], padding: u8, end_stream: bool) -> Bytes {
        let mut payload = BytesMut::new();
        payload.put_u8(padding);
        payload.put_slice(data);
        payload.put_bytes(0, usize::from(padding));
        let mut out = BytesMut::new();
        put_frame(&mut out, 0x0, FLAG_PADDED | end_flag(end_stream), stream, &payload);
        out.freeze()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_end_stream() { " END_STREAM" } else { "" };
        match self {
            Self::Data { stream, data, .. } => write!(f, "DATA {stream} {} bytes{end}", data.len()),
            Self::Headers { stream, headers, .. } => write!(f, "HEADERS {stream} {headers:?}{end}"),
            Self::Reset { stream, code } => write!(f, "RST_STREAM {stream} code {code:#x}"),
            Self::Settings { ack: true, .. } => f.write_str("SETTINGS ACK"),
            Self::Settings { params, .. } => write!(f, "SETTINGS {params:?}"),
            Self::Ping { ack, payload } => {
                write!(f, "PING{} {:016x}", if *ack { " ACK" } else { "" }, u64::from_be_bytes(*payload))
            }
            Self::GoAway { last_stream, code, debug } => {
                write!(f, "GOAWAY last {last_stream} code {code:#x} {:?}", String::from_utf8_lossy(debug))
            }
            Self::WindowUpdate { stream, increment } => write!(f, "WINDOW_UPDATE {stream} +{increment}"),
            Self::Other { kind, flags, stream, payload } => {
                write!(f, "type {kind:#x} flags {flags:#x} stream {stream}, {} bytes", payload.len())
            }
        }
    }
}

fn end_flag(end_stream: bool) -> u8 {
    if end_stream { FLAG_END_STREAM } else { 0 }
}

fn put_frame(out: &mut BytesMut, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.put_uint(payload.len() as u64, 3);
    out.put_u8(kind);
    out.put_u8(flags);
    out.put_u32(stream);
    out.put_slice(payload);
}

fn put_headers(out: &mut BytesMut, stream: u32, headers: &Headers, end_stream: bool) {
    let block = headers.encode();
    let mut chunks = block.chunks(MAX_PAYLOAD).peekable();
    let (mut kind, mut flags) = (0x1, end_flag(end_stream));
    loop {
        let chunk = chunks.next().unwrap_or_default();
        let last = chunks.peek().is_none();
        put_frame(out, kind, if last { flags | FLAG_END_HEADERS } else { flags }, stream, chunk);
        if last {
            return;
        }
        (kind, flags) = (0x9, 0);
    }
}

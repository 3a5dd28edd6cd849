//! From the byte stream to frames.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::frame::Frame;
use super::headers::Headers;

/// What a client says before its first frame.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads frames from one direction of a connection, whose HPACK table it keeps.
pub(super) struct Decoder<R> {
    io: R,
    buffer: BytesMut,
    hpack: loona_hpack::Decoder<'static>,
}

impl<R: AsyncRead + Unpin> Decoder<R> {
    pub(super) fn new(io: R) -> Self {
        Self { io, buffer: BytesMut::new(), hpack: loona_hpack::Decoder::new() }
    }

    /// Reads a client's preface. False when the connection ended before the first byte of it.
    pub(super) async fn preface(&mut self) -> io::Result<bool> {
        if !self.fill(PREFACE.len()).await? {
            return Ok(false);
        }
        if self.buffer.split_to(PREFACE.len()) != PREFACE[..] {
            return Err(io::Error::other("not an HTTP/2 preface"));
        }
        Ok(true)
    }

    /// Reads the next frame and how many bytes of flow control it cost; `None` at the end of the stream.
    pub(super) async fn frame(&mut self) -> io::Result<Option<(Frame, usize)>> {
        let Some((head, payload)) = self.raw_frame().await? else { return Ok(None) };
        let cost = if head.kind == 0x0 { payload.len() } else { 0 };
        let frame = match head.kind {
            0x0 => {
                Frame::Data { stream: head.stream, data: head.unpad(payload, 0)?, end_stream: head.has(0x1) }
            }
            0x1 => self.headers(&head, payload).await?,
            _ => head.simple(payload)?,
        };
        Ok(Some((frame, cost)))
    }

    async fn headers(&mut self, head: &Head, payload: Bytes) -> io::Result<Frame> {
        let priority = if head.has(0x20) { 5 } else { 0 };
        let mut block = BytesMut::from(&head.unpad(payload, priority)?[..]);
        let mut done = head.has(0x4);
        while !done {
            let next = self.raw_frame().await?;
            let Some((more, payload)) =
                next.filter(|(more, _)| more.kind == 0x9 && more.stream == head.stream)
            else {
                return Err(io::Error::other("a header block without its CONTINUATION"));
            };
            block.extend_from_slice(&payload);
            done = more.has(0x4);
        }
        let fields = self.hpack.decode(&block).map_err(|e| io::Error::other(format!("HPACK: {e:?}")))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let headers: Headers = fields.into_iter().map(|(name, value)| (text(name), text(value))).collect();
        Ok(Frame::Headers { stream: head.stream, headers, end_stream: head.has(0x1) })
    }

    async fn raw_frame(&mut self) -> io::Result<Option<(Head, Bytes)>> {
        if !self.fill(9).await? {
            return Ok(None);
        }
        let length = self.buffer.get_uint(3) as usize;
        let head = Head {
            kind: self.buffer.get_u8(),
            flags: self.buffer.get_u8(),
            stream: self.buffer.get_u32() & 0x7fff_ffff,
        };
        if !self.fill(length).await? && length > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((head, self.buffer.split_to(length).freeze())))
    }

    /// Reads until `length` bytes are there. False when the stream ended with nothing in the buffer.
    async fn fill(&mut self, length: usize) -> io::Result<bool> {
        while self.buffer.len() < length {
            if self.io.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(false)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
        Ok(true)
    }
}

/// A frame's nine bytes, its length aside.
struct Head {
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Head {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding and without the `skip` bytes before its content.
    fn unpad(&self, mut payload: Bytes, skip: usize) -> io::Result<Bytes> {
        let padding =
            if self.has(0x8) { usize::from(payload.try_get_u8().map_err(io::Error::other)?) } else { 0 };
        let length = payload.len().checked_sub(padding + skip);
        let length = length.ok_or_else(|| io::Error::other("more padding than payload"))?;
        Ok(payload.slice(skip..skip + length))
    }

    /// Frames that need no state.
    fn simple(self, mut payload: Bytes) -> io::Result<Frame> {
        let frame = match self.kind {
            0x3 => {
                Frame::Reset { stream: self.stream, code: payload.try_get_u32().map_err(io::Error::other)? }
            }
            0x4 => {
                let mut params = Vec::new();
                while payload.len() >= 6 {
                    params.push((payload.get_u16(), payload.get_u32()));
                }
                Frame::Settings { ack: self.has(0x1), params }
            }
            0x6 => {
                let data = payload.try_get_u64().map_err(io::Error::other)?;
                Frame::Ping { ack: self.has(0x1), payload: data.to_be_bytes() }
            }
            0x7 => Frame::GoAway {
                last_stream: payload.try_get_u32().map_err(io::Error::other)? & 0x7fff_ffff,
                code: payload.try_get_u32().map_err(io::Error::other)?,
                debug: payload,
            },
            0x8 => Frame::WindowUpdate {
                stream: self.stream,
                increment: payload.try_get_u32().map_err(io::Error::other)? & 0x7fff_ffff,
            },
            kind => Frame::Other { kind, flags: self.flags, stream: self.stream, payload },
        };
        Ok(frame)
    }
}

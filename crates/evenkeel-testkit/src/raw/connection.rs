//! One connection, from the side that a test plays.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinHandle;

use super::decode::{Decoder, PREFACE};
use super::frame::{Frame, MAX_PAYLOAD};
use super::headers::Headers;
use super::log::{Event, Log};
use super::message::encode_message;

/// What a peer does without being told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automatic {
    /// The SETTINGS sent at once when a connection is made. Default: empty ones. `None`: the peer says nothing
    /// (a client not even its preface).
    pub settings: Option<Vec<(u16, u32)>>,
    /// Whether it acknowledges the other side's SETTINGS. Default: yes.
    pub ack_settings: bool,
    /// Whether it answers PINGs. Default: yes.
    pub ack_pings: bool,
    /// Whether it gives the window back for every DATA frame. Default: yes.
    pub window_updates: bool,
}

/// A connection that sends exactly what it is told and records what it is sent. Dropping it closes the connection.
#[derive(Debug)]
pub struct RawConnection {
    pub(super) number: usize,
    pub(super) log: Log,
    /// What no `expect` has returned yet.
    pub(super) open: Mutex<Open>,
    writer: Arc<Writer>,
    reader: JoinHandle<()>,
    pings: AtomicU64,
}

/// Entries of the log, by their index, that an `expect` may still return.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) entries: Vec<usize>,
    /// How much of the log was looked through for entries of this connection.
    pub(super) seen: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

#[derive(Debug)]
struct Writer {
    number: usize,
    log: Log,
    half: tokio::sync::Mutex<Option<WriteHalf>>,
}

enum WriteHalf {
    Tcp(OwnedWriteHalf),
    Other(Box<dyn AsyncWrite + Send + Unpin>),
}

impl Default for Automatic {
    fn default() -> Self {
        Self { settings: Some(Vec::new()), ack_settings: true, ack_pings: true, window_updates: true }
    }
}

impl Automatic {
    /// The peer accepts the connection and then does nothing at all.
    pub fn silent() -> Self {
        Self { settings: None, ack_settings: false, ack_pings: false, window_updates: false }
    }

    /// The same with these SETTINGS at the start.
    #[must_use]
    pub fn settings(mut self, params: &[(u16, u32)]) -> Self {
        self.settings = Some(params.to_vec());
        self
    }

    /// The same without the ACK of PINGs.
    #[must_use]
    pub fn without_ping_acks(mut self) -> Self {
        self.ack_pings = false;
        self
    }

    /// The same without WINDOW_UPDATEs.
    #[must_use]
    pub fn without_window_updates(mut self) -> Self {
        self.window_updates = false;
        self
    }
}

impl RawConnection {
    pub(super) async fn tcp(stream: TcpStream, role: Role, number: usize, log: Log, auto: Automatic) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY can be set");
        let (read, write) = stream.into_split();
        Self::start(read, WriteHalf::Tcp(write), role, number, log, auto).await
    }

    pub(super) async fn over(
        io: impl AsyncRead + AsyncWrite + Send + 'static,
        role: Role,
        number: usize,
        log: Log,
        auto: Automatic,
    ) -> Self {
        let (read, write) = tokio::io::split(Box::pin(io));
        Self::start(read, WriteHalf::Other(Box::new(write)), role, number, log, auto).await
    }

    async fn start(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: WriteHalf,
        role: Role,
        number: usize,
        log: Log,
        auto: Automatic,
    ) -> Self {
        log.add(number, Event::Opened);
        let writer =
            Arc::new(Writer { number, log: log.clone(), half: tokio::sync::Mutex::new(Some(write)) });
        if let Some(params) = &auto.settings {
            if role == Role::Client {
                writer.bytes(PREFACE).await;
            }
            writer.frame(Frame::Settings { ack: false, params: params.clone() }).await;
        }
        let reader = tokio::spawn(read_all(Decoder::new(read), role, Arc::clone(&writer), auto));
        Self { number, log, open: Mutex::default(), writer, reader, pings: AtomicU64::new(1) }
    }

    /// Its number in the log, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The record, of all the peer's connections.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// All frames received on this connection until now.
    pub fn received(&self) -> Vec<Frame> {
        self.log.received(self.number)
    }

    /// The DATA received on `stream` until now, put together.
    pub fn body(&self, stream: u32) -> Vec<u8> {
        let mut body = Vec::new();
        for frame in self.received() {
            if let Frame::Data { stream: s, data, .. } = frame
                && s == stream
            {
                body.extend_from_slice(&data);
            }
        }
        body
    }

    /// Sends one frame. When the other side has gone, the record says so and nothing else happens.
    pub async fn send(&self, frame: Frame) {
        self.writer.frame(frame).await;
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&self, bytes: &[u8]) {
        self.writer.bytes(bytes).await;
    }

    /// Sends SETTINGS.
    pub async fn settings(&self, params: &[(u16, u32)]) {
        self.send(Frame::Settings { ack: false, params: params.to_vec() }).await;
    }

    /// Sends HEADERS.
    pub async fn headers(&self, stream: u32, headers: Headers, end_stream: bool) {
        self.send(Frame::Headers { stream, headers, end_stream }).await;
    }

    /// Sends DATA, in frames of at most 16 KiB, whatever the windows say.
    pub async fn data(&self, stream: u32, data: impl Into<Bytes>, end_stream: bool) {
        let mut rest = data.into();
        loop {
            let chunk = rest.split_to(rest.len().min(MAX_PAYLOAD));
            let end_stream = end_stream && rest.is_empty();
            self.send(Frame::Data { stream, data: chunk, end_stream }).await;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Sends one gRPC message.
    pub async fn message(&self, stream: u32, message: &impl Message, end_stream: bool) {
        self.data(stream, encode_message(message), end_stream).await;
    }

    /// Sends trailers with `status`, which end the stream.
    pub async fn trailers(&self, stream: u32, status: i32) {
        self.headers(stream, Headers::trailers(status), true).await;
    }

    /// Sends a whole response: head, one message, trailers with status OK.
    pub async fn respond(&self, stream: u32, message: &impl Message) {
        self.headers(stream, Headers::response(), false).await;
        self.message(stream, message, false).await;
        self.trailers(stream, 0).await;
    }

    /// Sends RST_STREAM.
    pub async fn reset(&self, stream: u32, code: u32) {
        self.send(Frame::Reset { stream, code }).await;
    }

    /// Sends GOAWAY.
    pub async fn go_away(&self, last_stream: u32, code: u32, debug: &str) {
        self.send(Frame::GoAway { last_stream, code, debug: Bytes::copy_from_slice(debug.as_bytes()) }).await;
    }

    /// Sends a PING.
    pub async fn ping(&self, payload: [u8; 8]) {
        self.send(Frame::Ping { ack: false, payload }).await;
    }

    /// Sends a PING and waits for its ACK: what the other side had written before it is in the record then, and it
    /// has read everything sent until now.
    pub async fn barrier(&self) {
        let payload = (0xba44_0000_0000_0000 | self.pings.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
        self.ping(payload).await;
        self.expect_ping_ack(payload).await;
    }

    /// Closes the sending half (TCP FIN); receiving goes on.
    pub async fn half_close(&self) {
        if let Some(mut half) = self.writer.half.lock().await.take() {
            let closed = half.io().shutdown().await;
            self.writer.note(closed);
            if let WriteHalf::Tcp(half) = half {
                // Dropping it is the FIN just sent; the reading half keeps the socket.
                drop(half);
            }
        }
    }

    /// Closes the connection with a TCP RST, as a killed machine's kernel or a proxy does.
    pub async fn abort(mut self) {
        if let Some(WriteHalf::Tcp(half)) = self.writer.half.lock().await.take() {
            half.as_ref().set_zero_linger().expect("SO_LINGER can be set");
            half.forget();
        }
        self.reader.abort();
        // The socket closes when the reader has let go of its half.
        let _ = (&mut self.reader).await;
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl WriteHalf {
    fn io(&mut self) -> &mut (dyn AsyncWrite + Send + Unpin) {
        match self {
            Self::Tcp(half) => half,
            Self::Other(half) => half,
        }
    }
}

impl std::fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WriteHalf")
    }
}

impl Writer {
    async fn frame(&self, frame: Frame) {
        let bytes = frame.encode();
        // Recorded first: the answer to a frame must not stand before it.
        self.log.add(self.number, Event::Sent(frame));
        self.write(&bytes).await;
    }

    async fn bytes(&self, bytes: &[u8]) {
        self.log.add(self.number, Event::SentBytes(bytes.len()));
        self.write(bytes).await;
    }

    async fn write(&self, bytes: &[u8]) {
        if let Some(half) = self.half.lock().await.as_mut() {
            let written = half.io().write_all(bytes).await;
            self.note(written);
        }
    }

    fn note(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.add(self.number, Event::Failed(format!("write: {error}")));
        }
    }
}

async fn read_all<R: AsyncRead + Unpin>(
    mut io: Decoder<R>,
    role: Role,
    writer: Arc<Writer>,
    auto: Automatic,
) {
    let event = match read_frames(&mut io, role, &writer, &auto).await {
        Ok(()) => Event::Ended,
        Err(error) => Event::Failed(format!("read: {error}")),
    };
    writer.log.add(writer.number, event);
}

async fn read_frames<R: AsyncRead + Unpin>(
    io: &mut Decoder<R>,
    role: Role,
    writer: &Writer,
    auto: &Automatic,
) -> io::Result<()> {
    if role == Role::Server {
        if !io.preface().await? {
            return Ok(());
        }
        writer.log.add(writer.number, Event::Preface);
    }
    while let Some((frame, cost)) = io.frame().await? {
        writer.log.add(writer.number, Event::Received(frame.clone()));
        match frame {
            Frame::Settings { ack: false, .. } if auto.ack_settings => {
                writer.frame(Frame::Settings { ack: true, params: Vec::new() }).await;
            }
            Frame::Ping { ack: false, payload } if auto.ack_pings => {
                writer.frame(Frame::Ping { ack: true, payload }).await;
            }
            Frame::Data { stream, end_stream, .. } if auto.window_updates && cost > 0 => {
                let increment = cost as u32;
                writer.frame(Frame::WindowUpdate { stream: 0, increment }).await;
                if !end_stream {
                    writer.frame(Frame::WindowUpdate { stream, increment }).await;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

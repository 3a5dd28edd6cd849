//! What stands between h2 and the socket (inside TLS): writes are gathered, frames are listened to.
//!
//! h2 writes once per larger DATA frame, answers PINGs without telling, sends no GOAWAY debug data, and finishes
//! a graceful shutdown only when the peer ACKs a PING. [`Wire`] is handed to h2's handshake; [`WireControl`] stays
//! with the connection's task, which calls [`WireControl::poll_drain`] after each poll of the h2 connection;
//! [`WireFacts`] is read by anyone.

mod facts;
mod opening;
mod scan;
mod tap;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use facts::{GoAwayFrame, WireFacts};
pub(crate) use opening::Foreign;

use scan::{ACK, HEADER_LEN, PING, Scanner};
use tap::{ReadTap, Rewriter, WriteTap};

/// How much is gathered at most before the socket is written to: a full buffer is one large write, and what a
/// connection with a stalled peer holds stays bounded.
const GATHER_LIMIT: usize = 64 * 1024;
/// A buffer that a burst made larger than this is given back when it is empty: idle connections stay small.
const GATHER_KEPT: usize = 16 * 1024;

/// The payload of the PING with which h2 starts a graceful shutdown.
const SHUTDOWN_PING: [u8; 8] = [0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

/// The I/O object that h2 reads and writes. Its flush does nothing: bytes leave by [`WireControl::poll_drain`],
/// when the buffer is full, and at shutdown.
#[derive(Debug)]
pub(crate) struct Wire<IO> {
    shared: Arc<Mutex<Shared<IO>>>,
}

/// The connection task's hand on the socket under h2. Dropping it leaves nobody to drain what was gathered.
#[derive(Debug)]
pub(crate) struct WireControl<IO> {
    shared: Arc<Mutex<Shared<IO>>>,
}

/// Only the connection's task takes the lock, so it is never contended.
#[derive(Debug)]
struct Shared<IO> {
    io: IO,
    facts: Arc<WireFacts>,
    read_tap: ReadTap,
    shutdown_ack: HandIn,
    /// Who waits for bytes to read.
    reader: Option<Waker>,
    rewriter: Rewriter,
    gathered: Vec<u8>,
    /// How much of `gathered` the socket has taken.
    taken: usize,
    write_tap: WriteTap,
    needs_flush: bool,
    /// h2 was told to wait because the buffer was full.
    writer_waits: bool,
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

impl<IO: AsyncRead + AsyncWrite + Unpin> Wire<IO> {
    /// For the side that sends the connection preface.
    pub(crate) fn client(io: IO) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        Self::new(io, Scanner::frames_only, Scanner::after_preface)
    }

    /// For the side that receives the connection preface.
    pub(crate) fn server(io: IO) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        Self::new(io, Scanner::after_preface, Scanner::frames_only)
    }

    fn new(io: IO, read: fn() -> Scanner, write: fn() -> Scanner) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        let facts = Arc::new(WireFacts::new());
        let shared = Arc::new(Mutex::new(Shared {
            io,
            facts: facts.clone(),
            read_tap: ReadTap::new(read()),
            shutdown_ack: HandIn::No,
            reader: None,
            rewriter: Rewriter::new(write()),
            gathered: Vec::new(),
            taken: 0,
            write_tap: WriteTap::new(write()),
            needs_flush: false,
            writer_waits: false,
        }));
        (Self { shared: shared.clone() }, WireControl { shared }, facts)
    }

    fn lock(&self) -> MutexGuard<'_, Shared<IO>> {
        lock(&self.shared)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WireControl<IO> {
    /// Writes out what was gathered; Ready when nothing is left. To be called after every poll of the h2 connection,
    /// also after its last one.
    ///
    /// # Errors
    /// When the socket fails; the connection is lost then.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = lock(&self.shared);
        ready!(shared.poll_write_out(cx))?;
        shared.poll_flush_io(cx)
    }

    /// Puts `text` as debug data into every GOAWAY with code NO_ERROR that h2 writes from now on.
    pub(crate) fn set_goaway_debug(&self, text: &'static str) {
        lock(&self.shared).rewriter.set_text(text);
    }

    /// Makes h2 read the ACK of its shutdown PING, which the peer did not send, before the peer's next frame.
    pub(crate) fn hand_in_shutdown_ack(&self) {
        let mut shared = lock(&self.shared);
        if shared.shutdown_ack == HandIn::No {
            shared.shutdown_ack = HandIn::Wanted;
        }
        if let Some(reader) = shared.reader.take() {
            reader.wake();
        }
    }

    /// Reads on and throws away what comes; Ready when the peer has closed its side, or the connection broke.
    pub(crate) fn poll_peer_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.shared);
        let mut bytes = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut shared.io).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

fn lock<IO>(shared: &Mutex<Shared<IO>>) -> MutexGuard<'_, Shared<IO>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: AsyncRead + Unpin> Shared<IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.shutdown_ack == HandIn::Wanted && self.read_tap.scanner.is_between_frames() {
            self.shutdown_ack = HandIn::Delivering(0);
        }
        match self.shutdown_ack {
            HandIn::Delivering(done) => {
                self.deliver_ack(done, buf);
                return Poll::Ready(Ok(()));
            }
            HandIn::Wanted => ready!(self.poll_read_to_next_step(cx, buf))?,
            HandIn::No => {
                let before = buf.filled().len();
                let read = Pin::new(&mut self.io).poll_read(cx, buf);
                ready!(self.or_wait(read, cx))?;
                let fresh = buf.filled().get(before..).unwrap_or_default();
                self.facts.on_read(fresh.len());
                self.read_tap.on_bytes(fresh, &self.facts);
            }
        }
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
    fn poll_read_to_next_step(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 1024];
        let most = self.read_tap.scanner.bytes_to_next_step().min(buf.remaining()).min(bytes.len());
        let mut step = ReadBuf::new(bytes.get_mut(..most).unwrap_or_default());
        let read = Pin::new(&mut self.io).poll_read(cx, &mut step);
        ready!(self.or_wait(read, cx))?;
        self.facts.on_read(step.filled().len());
        self.read_tap.on_bytes(step.filled(), &self.facts);
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
}

impl<IO: AsyncWrite + Unpin> Shared<IO> {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writer_waits = false;
        if self.gathered.len() >= GATHER_LIMIT && self.poll_write_out(cx)?.is_pending() {
            self.writer_waits = true;
            return Poll::Pending;
        }
        let room = GATHER_LIMIT.saturating_sub(self.gathered.len());
        let now = bytes.get(..room).unwrap_or(bytes);
        self.rewriter.pass(now, &mut self.gathered);
        Poll::Ready(Ok(now.len()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.rewriter.finish(&mut self.gathered);
        ready!(self.poll_write_out(cx))?;
        ready!(self.poll_flush_io(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let rest = self.gathered.get(self.taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.facts.on_socket_write(n);
            self.write_tap.on_bytes(rest.get(..n).unwrap_or(rest), &self.facts);
            self.taken += n;
            self.needs_flush = true;
        }
        self.taken = 0;
        if self.gathered.capacity() > GATHER_KEPT {
            self.gathered = Vec::new();
        }
        self.gathered.clear();
        if std::mem::take(&mut self.writer_waits) {
            // The socket may have become writable between h2's write and this one.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush_io(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.needs_flush {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_shutdown(cx)
    }
}

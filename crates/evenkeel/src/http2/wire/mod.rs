//! What stands between h2 and the socket (inside TLS): writes are gathered, frames are listened to, and those that h2
//! would take amiss are changed.
//!
//! h2 writes once per larger DATA frame, answers PINGs without telling, sends no GOAWAY debug data, and finishes
//! a graceful shutdown only when the peer ACKs a PING. [`Wire`] is handed to h2's handshake; [`WireControl`] stays
//! with the connection's task, which calls [`WireControl::poll_drain`] after each poll of the h2 connection;
//! [`WireFacts`] is read by anyone.

mod coalesce;
mod facts;
mod goaway;
mod inbound;
mod long_blocks;
mod marked;
mod opening;
mod scan;
mod settings;
mod tap;
mod trailers;
mod turn;
mod unread;

#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use facts::{GoAwayFrame, WireFacts};
pub(crate) use opening::Foreign;
pub(crate) use scan::SMALL;

use inbound::Inbound;
use scan::Scanner;
use tap::{Rewriter, WriteTap};

/// How much is gathered at most before the socket is written to: a full buffer is one large write, and what a
/// connection with a stalled peer holds stays bounded.
const GATHER_LIMIT: usize = 64 * 1024;
/// A buffer that a burst made larger than this is given back when it is empty: idle connections stay small.
const GATHER_KEPT: usize = 16 * 1024;

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
    inbound: Inbound,
    rewriter: Rewriter,
    gathered: Vec<u8>,
    /// How much of `gathered` the socket has taken.
    taken: usize,
    write_tap: WriteTap,
    needs_flush: bool,
    /// h2 was told to wait because the buffer was full.
    writer_waits: bool,
    /// The socket has taken something since the last turn began.
    progress: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Wire<IO> {
    /// For the side that sends the connection preface. `max_header_list` is what its SETTINGS say.
    pub(crate) fn client(io: IO, max_header_list: u32) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        Self::new(io, Inbound::of_server(max_header_list), Scanner::after_preface, max_header_list)
    }

    /// For the side that receives the connection preface, and says nothing before it. `max_header_list`: likewise.
    pub(crate) fn server(io: IO, max_header_list: u32) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        Self::new(io, Inbound::of_client(), Scanner::frames_only, max_header_list)
    }

    fn new(
        io: IO,
        inbound: Inbound,
        write: fn() -> Scanner,
        max_header_list: u32,
    ) -> (Self, WireControl<IO>, Arc<WireFacts>) {
        let facts = Arc::new(WireFacts::new());
        let shared = Arc::new(Mutex::new(Shared {
            io,
            facts: facts.clone(),
            inbound,
            rewriter: Rewriter::new(write(), max_header_list),
            gathered: Vec::new(),
            taken: 0,
            write_tap: WriteTap::new(write()),
            needs_flush: false,
            writer_waits: false,
            progress: false,
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
        shared.put_credit();
        ready!(shared.poll_write_out(cx))?;
        shared.poll_flush_io(cx)
    }

    /// Puts `text` as debug data into every GOAWAY with this code that h2 writes from now on.
    pub(crate) fn set_goaway_debug(&self, code: u32, text: &'static str) {
        lock(&self.shared).rewriter.set_text(code, text);
    }

    /// Makes h2 read the ACK of its shutdown PING, which the peer did not send, before the peer's next frame.
    pub(crate) fn hand_in_shutdown_ack(&self) {
        lock(&self.shared).inbound.hand_in_shutdown_ack();
    }

    /// Lets h2 read a limited number of frames at most before the next [`WireControl::start_turn`]: it keeps what it has
    /// read, and would go on reading as long as the peer sends.
    pub(crate) fn limit_frames_a_turn(&self) {
        lock(&self.shared).inbound.limit_frames_a_turn();
    }

    /// What was read is taken care of. Nothing changes if all writing `is_drained` is not, and the socket has taken
    /// nothing since the last turn: a peer that makes us say much has to listen.
    pub(crate) fn start_turn(&self, is_drained: bool) {
        let mut shared = lock(&self.shared);
        let progress = std::mem::take(&mut shared.progress);
        if is_drained || progress {
            shared.inbound.start_turn();
        }
    }

    /// Throws away what h2 wanted to say, and says `bytes` instead: to a peer that speaks something else.
    pub(crate) fn replace_output(&self, bytes: &[u8]) {
        let mut shared = lock(&self.shared);
        shared.gathered.clear();
        shared.gathered.extend_from_slice(bytes);
        shared.taken = 0;
        shared.inbound.end_preface();
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
        self.inbound.poll_read(&mut self.io, &self.facts, cx, buf)
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
        self.facts.on_fault_resets(self.rewriter.fault_resets());
        self.inbound.on_unread(self.rewriter.take_resets());
        Poll::Ready(Ok(now.len()))
    }

    /// Gives the peer back what was kept from h2.
    fn put_credit(&mut self) {
        if self.rewriter.is_between_frames()
            && let Some(frame) = self.inbound.window_update()
        {
            self.gathered.extend_from_slice(&frame);
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inbound.end_preface();
        self.rewriter.finish(&mut self.gathered);
        ready!(self.poll_write_out(cx))?;
        ready!(self.poll_flush_io(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.inbound.is_in_preface() && !self.gathered.is_empty() {
            // Whoever reads the preface wakes the task.
            return Poll::Pending;
        }
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
            self.progress = true;
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

//! Moving a request body into its stream.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use tonic::Status;

use super::buffer::{Cursor, RequestBuffer};

/// How much of a request goes to `h2` with the head, without asking for room: `h2` gives none to a stream that is not
/// open yet, and asking would cost a second write. It waits in `h2` if the peer's window is smaller.
const WITH_HEAD: usize = 64 << 10;

/// Moves a request body into its stream, as fast as flow control allows.
pub(super) struct Pump {
    stream: SendStream<Bytes>,
    cursor: Cursor,
    /// The chunk on its way, and the one after it: the last must be known as the last when it is sent.
    chunk: Option<Bytes>,
    next: Option<Bytes>,
    /// Nothing was sent yet.
    fresh: bool,
    source_ended: bool,
    done: bool,
}

pub(super) enum PumpEnd {
    /// All sent.
    Sent,
    /// The stream is gone; the response says why.
    StreamGone,
    /// The caller's own body failed.
    Source(Status),
}

impl Pump {
    pub(super) fn new(stream: SendStream<Bytes>) -> Self {
        let cursor = Cursor::default();
        Self { stream, cursor, chunk: None, next: None, fresh: true, source_ended: false, done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// No other attempt will read `source`.
    pub(super) fn commit(&self, source: &mut RequestBuffer) {
        source.commit(&self.cursor);
    }

    pub(super) fn poll(&mut self, source: &mut RequestBuffer, cx: &mut Context<'_>) -> Poll<PumpEnd> {
        let end = ready!(self.poll_to_end(source, cx));
        self.done = true;
        if matches!(end, PumpEnd::Source(_)) {
            self.cancel();
        }
        Poll::Ready(end)
    }

    fn poll_to_end(&mut self, source: &mut RequestBuffer, cx: &mut Context<'_>) -> Poll<PumpEnd> {
        loop {
            match self.read_ahead(source, cx) {
                Poll::Ready(Err(status)) => return Poll::Ready(PumpEnd::Source(status)),
                Poll::Pending if self.chunk.is_none() => return Poll::Pending,
                _ => {}
            }
            let room = match &self.chunk {
                None => 0,
                Some(chunk) if self.fresh => chunk.len().min(WITH_HEAD),
                Some(chunk) => match ready!(poll_room(&mut self.stream, chunk.len(), cx)) {
                    Some(room) => room,
                    None => return Poll::Ready(PumpEnd::StreamGone),
                },
            };
            self.fresh = false;
            let sent = match self.chunk.take() {
                Some(chunk) => self.send_some(chunk, room),
                // The body ended without the last chunk having been known as the last.
                None => self.stream.send_data(Bytes::new(), true),
            };
            if sent.is_err() {
                return Poll::Ready(PumpEnd::StreamGone);
            }
            if self.source_ended && self.chunk.is_none() && self.next.is_none() {
                return Poll::Ready(PumpEnd::Sent);
            }
        }
    }

    /// Keeps the chunk to be sent and the one after it in hand. tonic's bodies do not say that they are at their end
    /// until they are polled once more.
    fn read_ahead(&mut self, source: &mut RequestBuffer, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if self.chunk.is_none() {
            self.chunk = self.next.take();
        }
        while !self.source_ended && self.next.is_none() {
            match ready!(source.poll_chunk(&mut self.cursor, cx)) {
                None => self.source_ended = true,
                Some(Err(status)) => return Poll::Ready(Err(status)),
                // As a frame it would be nothing to the server but one more of those that it counts.
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) if self.chunk.is_none() => self.chunk = Some(chunk),
                Some(Ok(chunk)) => self.next = Some(chunk),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn send_some(&mut self, mut chunk: Bytes, room: usize) -> Result<(), h2::Error> {
        if room < chunk.len() {
            let part = chunk.split_to(room);
            self.chunk = Some(chunk);
            return self.stream.send_data(part, false);
        }
        let last = self.source_ended && self.next.is_none();
        self.stream.send_data(chunk, last)
    }

    /// Whether the peer wants no more of it.
    pub(super) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(drop)
    }

    /// Gives the stream up.
    pub(super) fn cancel(&mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }
}

/// Waits until some of `wanted` bytes may be sent; `None` when the stream takes no more.
fn poll_room(stream: &mut SendStream<Bytes>, wanted: usize, cx: &mut Context<'_>) -> Poll<Option<usize>> {
    if wanted == 0 {
        return Poll::Ready(Some(0));
    }
    stream.reserve_capacity(wanted);
    loop {
        match stream.capacity().min(wanted) {
            0 => match ready!(stream.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(None),
            },
            room => return Poll::Ready(Some(room)),
        }
    }
}

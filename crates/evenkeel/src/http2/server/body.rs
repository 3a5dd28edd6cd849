//! A request's body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::held::Held;
use super::message::{Arriving, NoMemory};
use super::traffic::Traffic;
use crate::http2::wire::{SMALL, WireFacts};

/// The client's messages. Flow-control capacity goes back as the handler takes data, so a slow handler slows the
/// client down. Dropping it gives the rest back unread.
#[derive(Debug)]
pub(crate) struct RequestBody {
    stream: RecvStream,
    traffic: Arc<Traffic>,
    facts: Arc<WireFacts>,
    /// `None` when the request is not gRPC's.
    arriving: Option<Arriving>,
    held: Held,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Data,
    Trailers,
    End,
}

impl RequestBody {
    pub(super) fn new(
        stream: RecvStream,
        traffic: Arc<Traffic>,
        facts: Arc<WireFacts>,
        is_grpc: bool,
    ) -> Self {
        let arriving = is_grpc.then(Arriving::default);
        Self { stream, traffic, facts, arriving, held: Held::default(), at: At::Data }
    }

    /// The next part of a message that is whole, or that is not to be held.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        loop {
            if let Some(part) = self.held.pop() {
                return Poll::Ready(Some(Ok(part)));
            }
            let (mut data, to_hold) = match ready!(self.poll_data(cx)) {
                Some(Ok(data)) => data,
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None if self.held.is_empty() => return Poll::Ready(None),
                None => {
                    // The message will never be whole; its reader says so.
                    self.held.release();
                    continue;
                }
            };
            if to_hold == 0 && self.held.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
            let rest = data.split_off(data.len().saturating_sub(to_hold));
            if !data.is_empty() {
                self.held.hold(data);
                self.held.release();
            }
            self.held.hold(rest);
        }
    }

    /// What has come, and how much at its end belongs to a message that is not whole.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(Bytes, usize), Status>>> {
        let Some(data) = ready!(self.stream.poll_data(cx)) else { return Poll::Ready(None) };
        let data = data.map_err(cancelled)?;
        // It fails only for a stream that is gone, and then there is nothing to give back.
        let _ = self.stream.flow_control().release_capacity(data.len());
        self.traffic.on_read(data.len());
        self.account_small(data.len());
        let Some(arriving) = &mut self.arriving else { return Poll::Ready(Some(Ok((data, 0)))) };
        Poll::Ready(Some(match arriving.on_data(&data, self.traffic.share()) {
            Ok(to_hold) => Ok((data, to_hold)),
            Err(NoMemory) => Err(Status::resource_exhausted(
                "the server has no memory for a message of this length (memory_budget)",
            )),
        }))
    }
}

impl RequestBody {
    /// A piece of this length is kept by h2 no more.
    fn account_small(&self, length: usize) {
        if (1..SMALL).contains(&length) && !self.stream.is_end_stream() {
            self.traffic.on_small_read();
        }
    }

    /// Frees what came and was not read.
    fn drop_unread(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(data))) = self.stream.poll_data(&mut cx) {
            let _ = self.stream.flow_control().release_capacity(data.len());
            self.account_small(data.len());
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.at == At::Data {
            match ready!(self.poll_part(cx)) {
                Some(data) => return Poll::Ready(Some(data.map(Frame::data))),
                None => self.at = At::Trailers,
            }
        }
        if self.at == At::Trailers {
            let trailers = ready!(self.stream.poll_trailers(cx));
            self.at = At::End;
            return Poll::Ready(trailers.map_err(cancelled).transpose().map(|t| t.map(Frame::trailers)));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        // What a client still sends that was answered early, or whose messages its handler does not read.
        if self.at == At::Data && !self.stream.is_end_stream() {
            self.drop_unread();
            self.facts.unread().add(self.stream.stream_id().as_u32());
        }
    }
}

/// To a server, a lost connection and a reset stream are both a cancelled call (gRPC status codes).
fn cancelled(error: h2::Error) -> Status {
    Status::cancelled(format!("the client is gone: {error}"))
}

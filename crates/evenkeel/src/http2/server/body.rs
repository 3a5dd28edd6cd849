//! A request's body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::traffic::Traffic;

/// The client's messages. Flow-control capacity goes back as the handler takes data, so a slow handler slows the
/// client down. Dropping it gives the rest back unread.
#[derive(Debug)]
pub(crate) struct RequestBody {
    stream: RecvStream,
    traffic: Arc<Traffic>,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Data,
    Trailers,
    End,
}

impl RequestBody {
    pub(super) fn new(stream: RecvStream, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic, at: At::Data }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        let data = ready!(self.stream.poll_data(cx));
        if let Some(Ok(data)) = &data {
            // It fails only for a stream that is gone, and then there is nothing to give back.
            let _ = self.stream.flow_control().release_capacity(data.len());
            self.traffic.on_read(data.len());
        }
        Poll::Ready(data.map(|data| data.map_err(cancelled)))
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
            match ready!(self.poll_data(cx)) {
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
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// To a server, a lost connection and a reset stream are both a cancelled call (gRPC status codes).
fn cancelled(error: h2::Error) -> Status {
    Status::cancelled(format!("the client is gone: {error}"))
}

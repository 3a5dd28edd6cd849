//! One call from its handler's start to its answer's last frame.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::guard::poll_guarded;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer, of whatever status, was handed to the connection whole.
    Answered,
    /// The client reset the call, or its connection is lost; the handler was dropped.
    ClientGone,
}

/// The way back to the client of one call. Dropping it unused resets the stream.
#[derive(Debug)]
pub(crate) struct Responder {
    respond: SendResponse<Bytes>,
}

impl Responder {
    pub(super) fn new(respond: SendResponse<Bytes>) -> Self {
        Self { respond }
    }

    fn send(mut self, head: Response<()>, is_last: bool) -> Result<SendStream<Bytes>, Stop> {
        self.respond.send_response(head, is_last).map_err(|_| Stop::ClientGone)
    }
}

/// Why an answer is not given to its end by the handler.
#[derive(Debug)]
enum Stop {
    ClientGone,
    Failed(Status),
}

/// Runs a call: the handler, then its response body. Both are dropped when the client resets the call, when the
/// connection is lost, at the deadline, and when they panic.
pub(crate) async fn answer<F>(mut responder: Responder, handler: F, deadline: Option<Instant>) -> Outcome
where
    F: Future<Output = Response<Body>>,
{
    let mut deadline = pin!(deadline.map(sleep_until));
    let response = match first_frame(&mut responder, handler, deadline.as_mut()).await {
        Ok(response) => response,
        Err(Stop::ClientGone) => return Outcome::ClientGone,
        Err(Stop::Failed(status)) => {
            let (head, ()) = status.into_http::<()>().into_parts();
            return outcome(responder.send(Response::from_parts(head, ()), true).map(drop));
        }
    };
    let (head, body, first) = response;
    let is_last = first.is_none() && body.is_end_stream();
    let send = match responder.send(head, is_last) {
        Ok(send) => send,
        Err(_) => return Outcome::ClientGone,
    };
    if is_last {
        return Outcome::Answered;
    }
    let mut pump = Pump { send, body, data: Bytes::new(), data_is_last: false };
    let mut first = first;
    let pumped = poll_fn(|cx| {
        if let Some(end) = first.take().and_then(|frame| pump.on_frame(frame)) {
            return Poll::Ready(end);
        }
        pump.poll(cx, deadline.as_mut())
    });
    outcome(pumped.await)
}

fn outcome(ended: Result<(), Stop>) -> Outcome {
    match ended {
        Ok(()) | Err(Stop::Failed(_)) => Outcome::Answered,
        Err(Stop::ClientGone) => Outcome::ClientGone,
    }
}

type FirstFrame = Option<Option<Result<Frame<Bytes>, Status>>>;

/// Waits for the head, and takes the body's first frame along if it is there already: then both leave in one write.
async fn first_frame<F>(
    responder: &mut Responder,
    handler: F,
    mut deadline: Pin<&mut Option<Sleep>>,
) -> Result<(Response<()>, Body, FirstFrame), Stop>
where
    F: Future<Output = Response<Body>>,
{
    let response = {
        let mut handler = pin!(handler);
        poll_fn(|cx| {
            if responder.respond.poll_reset(cx).is_ready() {
                return Poll::Ready(Err(Stop::ClientGone));
            }
            if let Poll::Ready(response) = poll_guarded(|| handler.as_mut().poll(cx)) {
                return Poll::Ready(response.map_err(|_| panicked()));
            }
            poll_deadline(deadline.as_mut(), cx).map(Err)
        })
        .await?
    };
    let (parts, mut body) = response.into_parts();
    let head = Response::from_parts(parts, ());
    if body.is_end_stream() {
        return Ok((head, body, None));
    }
    let first = poll_fn(|cx| match poll_guarded(|| Pin::new(&mut body).poll_frame(cx)) {
        Poll::Ready(Ok(frame)) => Poll::Ready(Ok(Some(frame))),
        Poll::Ready(Err(_)) => Poll::Ready(Err(panicked())),
        Poll::Pending => Poll::Ready(Ok(None)),
    });
    let first = first.await?;
    if let Some(Some(Err(status))) = first {
        return Err(Stop::Failed(status));
    }
    Ok((head, body, first))
}

fn poll_deadline(deadline: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> Poll<Stop> {
    match deadline.as_pin_mut() {
        Some(sleep) => {
            sleep.poll(cx).map(|()| Stop::Failed(Status::deadline_exceeded("the call's time is over")))
        }
        None => Poll::Pending,
    }
}

fn panicked() -> Stop {
    Stop::Failed(Status::internal("the handler panicked"))
}

/// Moves a response body into the stream, no faster than the client's windows allow.
struct Pump {
    send: SendStream<Bytes>,
    body: Body,
    /// What the windows had no room for yet.
    data: Bytes,
    data_is_last: bool,
}

impl Pump {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Pin<&mut Option<Sleep>>) -> Poll<Result<(), Stop>> {
        if let Poll::Ready(ended) = self.poll_body(cx) {
            return Poll::Ready(ended);
        }
        if self.send.poll_reset(cx).is_ready() {
            return Poll::Ready(Err(Stop::ClientGone));
        }
        let Stop::Failed(status) = ready!(poll_deadline(deadline, cx)) else { return Poll::Pending };
        Poll::Ready(self.fail(&status))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        loop {
            ready!(self.poll_send_data(cx))?;
            if self.data_is_last {
                return Poll::Ready(Ok(()));
            }
            let body = &mut self.body;
            let frame = match ready!(poll_guarded(|| Pin::new(body).poll_frame(cx))) {
                Ok(frame) => frame,
                Err(_) => return Poll::Ready(self.reset(Reason::INTERNAL_ERROR)),
            };
            if let Some(ended) = self.on_frame(frame) {
                return Poll::Ready(ended);
            }
        }
    }

    /// Takes the body's next frame; says how the call ended if that was its last.
    fn on_frame(&mut self, frame: Option<Result<Frame<Bytes>, Status>>) -> Option<Result<(), Stop>> {
        let frame = match frame {
            None => return Some(self.send_last(Bytes::new())),
            Some(Err(status)) => return Some(self.fail(&status)),
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) => {
                self.data_is_last = self.body.is_end_stream();
                if self.data_is_last && data.is_empty() {
                    return Some(self.send_last(data));
                }
                self.data = data;
                None
            }
            Err(frame) => frame.into_trailers().ok().map(|trailers| self.send_trailers(trailers)),
        }
    }

    /// Ready when all of `data` is handed to h2, which would otherwise hold without bound what the windows refuse.
    fn poll_send_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        while !self.data.is_empty() {
            self.send.reserve_capacity(self.data.len());
            let mut capacity = self.send.capacity();
            if capacity == 0 {
                capacity = match ready!(self.send.poll_capacity(cx)) {
                    Some(Ok(capacity)) => capacity,
                    _ => return Poll::Ready(Err(Stop::ClientGone)),
                };
            }
            let part = self.data.split_to(capacity.min(self.data.len()));
            if !part.is_empty() {
                let is_last = self.data_is_last && self.data.is_empty();
                self.send.send_data(part, is_last).map_err(|_| Stop::ClientGone)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn send_last(&mut self, data: Bytes) -> Result<(), Stop> {
        self.send.send_data(data, true).map_err(|_| Stop::ClientGone)
    }

    fn send_trailers(&mut self, trailers: HeaderMap) -> Result<(), Stop> {
        self.send.send_trailers(trailers).map_err(|_| Stop::ClientGone)
    }

    /// Ends the call with a status; in the middle of a message that would look like a broken message, so there
    /// it is a reset.
    fn fail(&mut self, status: &Status) -> Result<(), Stop> {
        let mut trailers = HeaderMap::with_capacity(3);
        if !self.data.is_empty() || status.add_header(&mut trailers).is_err() {
            return self.reset(Reason::CANCEL);
        }
        self.send_trailers(trailers)
    }

    fn reset(&mut self, reason: Reason) -> Result<(), Stop> {
        self.send.send_reset(reason);
        Ok(())
    }
}

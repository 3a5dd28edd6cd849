//! One call from its handler's start to its answer's last frame.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body::Body as _;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::counted::Counted;
use super::fit;
use super::guard::poll_guarded;
use super::pump::{BodyFrame, Pump};
use super::traffic::{Leave, Traffic};
use crate::http2::wire::WireFacts;

/// How long a call waits for its client to take answers before it is sent back: a client that waits for this very call
/// before it reads on must not wait for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long others wait for a handler that has leave to make the next message, and makes none.
const WORKS_ALONE: Duration = Duration::from_secs(1);

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer, of whatever status, was handed to the connection whole.
    Answered,
    /// The client reset the call, or its connection is lost; the handler was dropped.
    ClientGone,
    /// The call was sent back unseen.
    Refused,
}

/// The way back to the client of one call. Dropping it unused resets the stream.
#[derive(Debug)]
pub(crate) struct Responder {
    respond: SendResponse<Counted>,
    facts: Arc<WireFacts>,
    traffic: Arc<Traffic>,
}

impl Responder {
    pub(super) fn new(respond: SendResponse<Counted>, facts: Arc<WireFacts>, traffic: Arc<Traffic>) -> Self {
        Self { respond, facts, traffic }
    }

    /// Answers with a head and nothing else.
    pub(crate) fn send_head(mut self, mut head: Response<()>) -> Outcome {
        if fit::head(&mut head, true, self.facts.peer_max_header_list()).is_err() {
            // A plain HTTP response that is too long for its client.
            head.headers_mut().clear();
        }
        outcome(self.respond.send_response(head, true).map(drop).map_err(|_| Stop::ClientGone))
    }

    /// Answers with a status and nothing else (gRPC's Trailers-Only).
    pub(crate) fn send_status(self, status: &Status) -> Outcome {
        let mut head = Response::new(());
        head.headers_mut().insert(CONTENT_TYPE, GRPC);
        if status.add_header(head.headers_mut()).is_err() {
            // The message is percent-encoded, so it always can be sent.
            tracing::debug!("a status could not be written");
        }
        self.send_head(head)
    }

    /// Says that the call was not looked at: its client may send it again (REFUSED_STREAM).
    pub(crate) fn refuse(mut self) {
        self.respond.send_reset(Reason::REFUSED_STREAM);
    }

    fn send(mut self, head: Response<()>, is_last: bool) -> Result<SendStream<Counted>, Stop> {
        self.respond.send_response(head, is_last).map_err(|_| Stop::ClientGone)
    }
}

/// Until when a call may go on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeLimits {
    /// For the whole call: the client's deadline.
    pub(crate) call: Option<Instant>,
    /// For the answer's head: the server's own limit. Streams live on after it.
    pub(crate) head: Option<Instant>,
}

/// Why an answer is not given to its end by the handler.
#[derive(Debug)]
pub(super) enum Stop {
    ClientGone,
    Failed(Status),
}

/// Runs a call: the handler, then its response body. Both are dropped when the client resets the call, when the
/// connection is lost, at the deadline, and when they panic.
pub(crate) async fn answer<F>(mut responder: Responder, handler: F, limits: TimeLimits) -> Outcome
where
    F: Future<Output = Response<Body>>,
{
    let TimeLimits { call: deadline, head: head_by } = limits;
    if deadline.is_some_and(|at| at <= Instant::now()) {
        // Nobody waits for what the handler would do.
        return responder.send_status(&too_late());
    }
    let mut leave = match wait_for_leave(&mut responder, deadline).await {
        Ok(leave) => leave,
        Err(NoLeave::ClientGone) => return Outcome::ClientGone,
        Err(NoLeave::DeadlinePassed) => return responder.send_status(&too_late()),
        Err(NoLeave::NotInTime) => {
            responder.refuse();
            return Outcome::Refused;
        }
    };
    let first_by = [deadline, head_by].into_iter().flatten().min();
    let mut timer = pin!(first_by.map(sleep_until));
    let response = match first_frame(&mut responder, handler, &mut leave, timer.as_mut()).await {
        Ok(response) => response,
        Err(Stop::ClientGone) => return Outcome::ClientGone,
        Err(Stop::Failed(status)) => return responder.send_status(&status),
    };
    let (mut head, body, first) = response;
    let is_last = first.is_none() && body.is_end_stream();
    if let Err(status) = fit::head(&mut head, is_last, responder.facts.peer_max_header_list()) {
        return responder.send_status(&status);
    }
    let (traffic, facts) = (Arc::clone(&responder.traffic), Arc::clone(&responder.facts));
    let send = match responder.send(head, is_last) {
        Ok(send) => send,
        Err(_) => return Outcome::ClientGone,
    };
    if is_last {
        return Outcome::Answered;
    }
    if first_by != deadline {
        timer.set(deadline.map(sleep_until));
    }
    let mut pump = Pump::new(send, body, traffic, facts);
    let mut first = first;
    let pumped = poll_fn(|cx| {
        if let Some(end) = first.take().and_then(|frame| pump.start(frame, std::mem::take(&mut leave))) {
            return Poll::Ready(end);
        }
        pump.poll(cx, timer.as_mut())
    });
    outcome(pumped.await)
}

/// Why a call does not begin.
enum NoLeave {
    ClientGone,
    DeadlinePassed,
    NotInTime,
}

/// Waits while the client leaves too many answers lying: each further call would make one more.
async fn wait_for_leave(responder: &mut Responder, deadline: Option<Instant>) -> Result<Leave, NoLeave> {
    if let Some(leave) = responder.traffic.try_enter() {
        return Ok(leave);
    }
    let at_latest = Instant::now() + PATIENCE;
    let until = deadline.map_or(at_latest, |deadline| deadline.min(at_latest));
    let mut timer = pin!(sleep_until(until));
    let mut entering = pin!(Arc::clone(&responder.traffic).enter());
    poll_fn(|cx| {
        if responder.respond.poll_reset(cx).is_ready() {
            return Poll::Ready(Err(NoLeave::ClientGone));
        }
        if let Poll::Ready(leave) = entering.as_mut().poll(cx) {
            return Poll::Ready(Ok(leave));
        }
        timer.as_mut().poll(cx).map(|()| {
            let is_over = deadline.is_some_and(|deadline| deadline <= at_latest);
            Err(if is_over { NoLeave::DeadlinePassed } else { NoLeave::NotInTime })
        })
    })
    .await
}

fn outcome(ended: Result<(), Stop>) -> Outcome {
    match ended {
        Ok(()) | Err(Stop::Failed(_)) => Outcome::Answered,
        Err(Stop::ClientGone) => Outcome::ClientGone,
    }
}

/// Waits for the head, and takes the body's first frame along if it is there already: then both leave in one write.
async fn first_frame<F>(
    responder: &mut Responder,
    handler: F,
    leave: &mut Leave,
    mut deadline: Pin<&mut Option<Sleep>>,
) -> Result<(Response<()>, Body, Option<BodyFrame>), Stop>
where
    F: Future<Output = Response<Body>>,
{
    let response = {
        let mut handler = pin!(handler);
        let mut alone = pin!(leave.is_a_turn().then(|| sleep(WORKS_ALONE)));
        poll_fn(|cx| {
            if alone.as_mut().as_pin_mut().is_some_and(|alone| alone.poll(cx).is_ready()) {
                *leave = Leave::default();
                alone.set(None);
            }
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

pub(super) fn poll_deadline(deadline: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> Poll<Stop> {
    match deadline.as_pin_mut() {
        Some(sleep) => sleep.poll(cx).map(|()| Stop::Failed(too_late())),
        None => Poll::Pending,
    }
}

fn too_late() -> Status {
    Status::deadline_exceeded("the call's time is over")
}

pub(super) fn panicked() -> Stop {
    Stop::Failed(Status::internal("the handler panicked"))
}

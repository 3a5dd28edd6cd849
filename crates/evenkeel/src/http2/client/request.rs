//! Sending one request: opening its stream, having its body pumped, waiting for the response's head.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::call::Failure;
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::{Request, Response};
use tonic::Status;

use super::causes::describe;
use super::connection::Connection;
use super::failure::StreamFailure;
use super::place::Place;
use super::pump::{Pump, PumpEnd};
use super::replay::ReplayBody;
use super::response::{Answer, Exchange};
use crate::http2::header_list;

/// A stream that was opened for a call, until its response begins.
pub(crate) struct Opened(Option<OpenStream>);

struct OpenStream {
    response: ResponseFuture,
    pump: Pump,
    stream_id: u32,
    /// Given back last: until the stream is gone, it is taken.
    place: Place,
}

impl Opened {
    /// Opens a stream with this head.
    ///
    /// # Errors
    /// When the connection takes no more streams, or when the server does not take a head of this length; nothing was
    /// sent.
    pub(crate) fn new(place: Place, head: Request<()>) -> Result<Self, StreamFailure> {
        check_length(&head, place.connection())?;
        match place.connection().sender().send_request(head, false) {
            Ok((response, stream)) => {
                let stream_id = stream.stream_id().as_u32();
                place.connection().link().on_stream_opened(stream_id);
                Ok(Self(Some(OpenStream { place, response, pump: Pump::new(stream), stream_id })))
            }
            Err(error) => Err(never_opened(place.connection(), &error)),
        }
    }

    /// Sends `body` and waits for the response's head; the two do not wait for each other.
    ///
    /// A request that is longer than the wait is sent on by a task of its own. Not to be polled after it was Ready.
    /// Dropping this resets the stream.
    ///
    /// # Errors
    /// When the stream failed before the head came, or no gRPC server answered. `body` can then be rewound if it is
    /// replayable.
    pub(crate) fn poll_answer(
        &mut self,
        body: &mut ReplayBody,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Answer, StreamFailure>> {
        let Some(stream) = &mut self.0 else { return Poll::Pending };
        if !stream.pump.is_done()
            && let Poll::Ready(PumpEnd::Source(status)) = stream.pump.poll(body, cx)
        {
            return Poll::Ready(Err(StreamFailure { failure: Failure::MaybeProcessed, status }));
        }
        let head = ready!(Pin::new(&mut stream.response).poll(cx));
        Poll::Ready(match self.0.take() {
            Some(stream) => stream.answered(head, body),
            None => return Poll::Pending,
        })
    }
}

impl OpenStream {
    fn answered(
        self,
        head: Result<Response<RecvStream>, h2::Error>,
        body: &mut ReplayBody,
    ) -> Result<Answer, StreamFailure> {
        let Self { place, pump, stream_id, .. } = self;
        let response =
            head.map_err(|error| StreamFailure::new(&error, stream_id, place.connection().link()))?;
        body.commit();
        Answer::new(response, Exchange::new(place, stream_id, pump, body))
            .map_err(|status| StreamFailure { failure: Failure::MaybeProcessed, status })
    }
}

/// A server answers metadata that are too long by ending their call at best, and everybody's connection at worst.
fn check_length(head: &Request<()>, connection: &Connection) -> Result<(), StreamFailure> {
    let limit = connection.link().facts().peer_max_header_list();
    if limit == u32::MAX {
        return Ok(());
    }
    let size = header_list::request_size(head);
    if size <= limit as usize {
        return Ok(());
    }
    let text = format!(
        "the request's metadata have {size} bytes, and {} takes {limit} (SETTINGS_MAX_HEADER_LIST_SIZE); nothing was sent",
        connection.address()
    );
    // No other attempt would fare better: the servers of one name mostly have one limit.
    Err(StreamFailure { failure: Failure::MaybeProcessed, status: Status::resource_exhausted(text) })
}

fn never_opened(connection: &Connection, error: &h2::Error) -> StreamFailure {
    // A malformed head is the caller's fault and would be refused by every connection.
    let ours = error.reason().is_none() && !error.is_io() && !error.is_go_away() && !error.is_reset();
    if ours && connection.is_usable() {
        let status = Status::internal(format!("the request cannot be sent: {error}"));
        return StreamFailure { failure: Failure::MaybeProcessed, status };
    }
    // Its task may be busy saying goodbye to a peer that does not read: the call must not come back here meanwhile.
    connection.link().on_stream_refused();
    let status = Status::unavailable(connection.link().describe_loss(&describe(error)));
    StreamFailure { failure: Failure::NeverSent, status }
}

//! Sending one request: opening its stream, having its body pumped, waiting for the response's head.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use evenkeel_core::call::Ended;
use h2::client::ResponseFuture;
use http::Request;
use tonic::Status;

use super::buffer::RequestBuffer;
use super::causes::describe;
use super::connection::Connection;
use super::failure::StreamFailure;
use super::place::Place;
use super::pump::{Pump, PumpEnd};
use super::response::{Answer, Begun, Hold, ResponseHead};
use super::upload::Upload;
use crate::http2::header_list;

/// A call's stream until its response begins. Dropping it resets it.
pub(crate) struct ClientStream {
    response: ResponseFuture,
    pump: Pump,
    id: u32,
    /// Given back last: until the stream is gone, it is taken.
    place: Place,
}

impl ClientStream {
    /// Opens a stream with this head.
    ///
    /// # Errors
    /// When the connection takes no more streams, or when the server does not take a head of this length; nothing was
    /// sent.
    pub(crate) fn open(place: Place, head: Request<()>) -> Result<Self, StreamFailure> {
        check_length(&head, place.connection())?;
        match place.connection().sender().send_request(head, false) {
            Ok((response, stream)) => {
                let id = stream.stream_id().as_u32();
                place.connection().link().on_stream_opened(id);
                Ok(Self { response, pump: Pump::new(stream), id, place })
            }
            Err(error) => Err(never_opened(place.connection(), &error)),
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        self.place.connection()
    }

    /// Sends `request` and waits for the response's head; the two do not wait for each other. Not to be polled after it
    /// was Ready.
    ///
    /// # Errors
    /// When the stream failed before the head came.
    pub(crate) fn poll_head(
        &mut self,
        request: &mut RequestBuffer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<ResponseHead, StreamFailure>> {
        if !self.pump.is_done()
            && let Poll::Ready(PumpEnd::Source(status)) = self.pump.poll(request, cx)
        {
            return Poll::Ready(Err(StreamFailure::processed(status)));
        }
        let head = ready!(Pin::new(&mut self.response).poll(cx));
        let link = self.place.connection().link();
        Poll::Ready(head.map(ResponseHead).map_err(|error| StreamFailure::new(&error, self.id, link)))
    }

    /// Goes on with the response whose head is there. What was not sent yet of `request` is sent by a task of its own.
    ///
    /// # Errors
    /// When no gRPC server answered, or the head is too long. `request` is as it was then, for another attempt.
    pub(crate) fn answered(
        self,
        head: ResponseHead,
        request: &mut RequestBuffer,
    ) -> Result<Answer, StreamFailure> {
        // In this order: a place is given back last.
        let Self { place, response: _until_then, pump, id } = self;
        let begun = Begun::new(head, place.connection()).map_err(StreamFailure::processed)?;
        let connection = Arc::clone(place.connection());
        if begun.is_all() {
            return Ok(begun.whole(connection));
        }
        pump.commit(request);
        let hold = if pump.is_done() {
            Hold::Place(place)
        } else {
            Hold::Upload(Upload::start(pump, request, place))
        };
        Ok(begun.streamed(connection, id, hold))
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
    Err(StreamFailure::processed(Status::resource_exhausted(text)))
}

fn never_opened(connection: &Connection, error: &h2::Error) -> StreamFailure {
    // A malformed head is the caller's fault and would be refused by every connection.
    let ours = error.reason().is_none() && !error.is_io() && !error.is_go_away() && !error.is_reset();
    if ours && connection.is_usable() {
        let status = Status::internal(format!("the request cannot be sent: {error}"));
        return StreamFailure::processed(status);
    }
    // Its task may be busy saying goodbye to a peer that does not read: the call must not come back here meanwhile.
    connection.link().on_stream_refused();
    let status = Status::unavailable(connection.link().describe_loss(&describe(error)));
    StreamFailure { ended: Ended::NeverSent, status }
}

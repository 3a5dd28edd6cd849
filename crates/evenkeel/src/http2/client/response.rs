//! One response: its head, then its body as frames, and what they say about the call.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use evenkeel_core::call::from_http_status;
use evenkeel_core::code::Code;
use evenkeel_core::endpoint::Address;
use h2::RecvStream;
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use tonic::Status;

use super::connection::Connection;
use super::failure::StreamFailure;
use super::place::Place;
use super::status::{GRPC_STATUS, make_readable, status, take};
use super::upload::Upload;
use crate::http2::content_type::grpc_subtype;
use crate::http2::header_list;

/// What holds the call's place on the connection.
#[derive(Debug)]
pub(super) enum Hold {
    Place(Place),
    /// The rest of the request, when it was not sent before the response began. Ends with the call.
    Upload(Upload),
}

/// A response's head as it came.
pub(crate) struct ResponseHead(pub(super) Response<RecvStream>);

/// A gRPC response whose head was read.
pub(super) struct Begun {
    head: http::response::Parts,
    recv: RecvStream,
    /// Nothing follows (Trailers-Only).
    is_all: bool,
    premature: Option<Box<HeaderMap>>,
}

/// A response that has begun.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    /// `None` when the response was all head (Trailers-Only).
    pub(crate) body: Option<ResponseStream>,
    pub(crate) connection: Arc<Connection>,
}

/// The body of a response as it arrives. Dropping it before its end resets the stream.
#[derive(Debug)]
pub(crate) struct ResponseStream {
    recv: RecvStream,
    id: u32,
    hold: Hold,
    reading: Reading,
    /// The status that stood in a head which did not end the stream: it holds only if nothing at all follows.
    premature: Option<Box<HeaderMap>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Data,
    Trailers,
    Done,
}

impl Hold {
    fn connection(&self) -> &Arc<Connection> {
        match self {
            Self::Place(place) => place.connection(),
            Self::Upload(upload) => upload.connection(),
        }
    }

    fn upload(&self) -> Option<&Upload> {
        match self {
            Self::Place(_) => None,
            Self::Upload(upload) => Some(upload),
        }
    }
}

impl Begun {
    /// Takes a response's head apart.
    ///
    /// # Errors
    /// When the head says that no gRPC server answered (gRPC's HTTP status mapping), or is too long.
    pub(super) fn new(head: ResponseHead, connection: &Connection) -> Result<Self, Status> {
        let (mut head, recv) = head.0.into_parts();
        check_length("metadata", header_list::response_size(&head.headers), connection)?;
        let has_status = head.headers.contains_key(&GRPC_STATUS);
        // A status ends its head. With a body behind it, it is somebody's decoration of an answer of another kind.
        let is_trailers_only = has_status && recv.is_end_stream();
        if !is_trailers_only && let Some(complaint) = not_grpc(&head) {
            let code = from_http_status(head.status.as_u16());
            let address = connection.address();
            return Err(status(code, format!("{address} did not answer as a gRPC server: {complaint}")));
        }
        connection.link().on_response();
        if is_trailers_only {
            make_readable(&mut head.headers);
            return Ok(Self { head, recv, is_all: true, premature: None });
        }
        if recv.is_end_stream() {
            return Err(no_status(connection));
        }
        let premature = has_status.then(|| Box::new(take(&mut head.headers)));
        Ok(Self { head, recv, is_all: false, premature })
    }

    pub(super) fn is_all(&self) -> bool {
        self.is_all
    }

    pub(super) fn whole(self, connection: Arc<Connection>) -> Answer {
        Answer { head: self.head, body: None, connection }
    }

    pub(super) fn streamed(self, connection: Arc<Connection>, id: u32, hold: Hold) -> Answer {
        let Self { head, recv, premature, .. } = self;
        let body = ResponseStream { recv, id, hold, reading: Reading::Data, premature };
        Answer { head, body: Some(body), connection }
    }
}

impl ResponseStream {
    pub(crate) fn address(&self) -> &Arc<Address> {
        self.hold.connection().address()
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.reading == Reading::Done
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        while self.reading == Reading::Data {
            match ready!(self.recv.poll_data(cx)) {
                Some(Ok(data)) => {
                    if data.is_empty() {
                        continue;
                    }
                    self.premature = None;
                    // The reader has it now, so the peer may send as much again.
                    let _ = self.recv.flow_control().release_capacity(data.len());
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(&error)))),
                None => self.reading = Reading::Trailers,
            }
        }
        if self.reading == Reading::Trailers {
            let trailers = ready!(self.recv.poll_trailers(cx));
            return Poll::Ready(Some(self.on_trailers(trailers)));
        }
        Poll::Ready(None)
    }

    fn on_trailers(
        &mut self,
        trailers: Result<Option<HeaderMap>, h2::Error>,
    ) -> Result<Frame<Bytes>, Status> {
        match trailers {
            Ok(trailers) => {
                self.reading = Reading::Done;
                let connection = self.hold.connection();
                let size = trailers.as_ref().map_or(0, header_list::size);
                check_length("trailers", size, connection)?;
                if connection.link().facts().long_blocks().take(self.id) {
                    return Err(cut_off(connection));
                }
                let trailers = trailers.or_else(|| self.premature.take().map(|status| *status));
                let Some(mut trailers) = trailers.filter(|trailers| trailers.contains_key(&GRPC_STATUS))
                else {
                    return Err(no_status(connection));
                };
                make_readable(&mut trailers);
                // The server has answered: what is left of the request is of no use to it.
                if let Some(upload) = self.hold.upload() {
                    upload.stop();
                }
                Ok(Frame::trailers(trailers))
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    fn fail(&mut self, error: &h2::Error) -> Status {
        self.reading = Reading::Done;
        if let Some(own) = self.hold.upload().and_then(Upload::failure) {
            return own;
        }
        let link = self.hold.connection().link();
        StreamFailure::new(error, self.id, link).status
    }
}

/// What is wrong with a head that carries no `grpc-status`, if anything.
fn not_grpc(head: &http::response::Parts) -> Option<String> {
    if head.status != StatusCode::OK {
        return Some(format!("HTTP status {}", head.status));
    }
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    match content_type {
        Some(value) if grpc_subtype(value.as_bytes()).is_some() => None,
        Some(value) => Some(format!("content-type {value:?}")),
        None => Some("no content-type".into()),
    }
}

/// One long answer is its own call's affair.
fn check_length(what: &str, size: usize, connection: &Connection) -> Result<(), Status> {
    let limit = connection.link().max_header_list();
    if size <= limit {
        return Ok(());
    }
    let address = connection.address();
    let text = format!(
        "the response's {what} from {address} have {size} bytes, more than max_header_list_size, {limit}"
    );
    Err(status(Code::ResourceExhausted, text))
}

/// What is left of such trailers is not all that the server said.
fn cut_off(connection: &Connection) -> Status {
    let (limit, address) = (connection.link().max_header_list(), connection.address());
    let text =
        format!("the response's trailers from {address} are far longer than max_header_list_size, {limit}");
    status(Code::ResourceExhausted, text)
}

fn no_status(connection: &Connection) -> Status {
    let address = connection.address();
    status(Code::Unknown, format!("{address} ended the response without a grpc-status"))
}

//! A server's HTTP/2 connection: h2 on a [`Wire`].

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use http::header::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::StdError as BoxError;

use super::answer::Responder;
use super::body::RequestBody;
use super::budget::Memory;
use super::counted::Counted;
use super::floods::FloodWatch;
use super::settings::Http2Settings;
use super::traffic::Traffic;
use super::window::Window;
use crate::http2::content_type::grpc_subtype;
use crate::http2::header_list::{self, limit_for_h2};
use crate::http2::wire::{Foreign, Wire, WireControl, WireFacts};

/// The last stream id of a first GOAWAY, which promises to process all streams.
const ALL_STREAMS: u32 = (1 << 31) - 1;

/// What a client of HTTP/1 is told, a browser or a probe for example; one line that says what this port is for.
const HTTP1_ANSWER: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 35\r\n\r\nThis port speaks gRPC over HTTP/2.\n";

/// A connection; poll it for events in one task, which also drains what it wrote.
pub(crate) struct ServerConnection<IO> {
    http: Http<IO>,
    wire: WireControl<IO>,
    facts: Arc<WireFacts>,
    traffic: Arc<Traffic>,
    floods: FloodWatch,
    window: Window,
    told_settings: bool,
    told_second_goaway: bool,
}

enum Http<IO> {
    Handshake(Box<h2::server::Handshake<Wire<IO>, Counted>>),
    Open(Box<h2::server::Connection<Wire<IO>, Counted>>),
    Closed,
}

/// What happened on a connection.
#[allow(
    clippy::large_enum_variant,
    reason = "calls are what mostly happens; a box each would only add an allocation"
)]
pub(crate) enum ConnectionEvent {
    /// The client's preface came.
    Opened,
    /// The client's first SETTINGS frame came: the handshake is done.
    SettingsReceived,
    /// A call came in.
    Call(IncomingCall),
    /// The second GOAWAY, with the last stream's id, left.
    SecondGoAwaySent,
    /// The client did something too often, and was told to go away: the connection is over.
    Flooded(&'static str),
    /// Nothing more comes, and nothing more can be sent. With the cause unless it ended in order.
    Closed(Option<BoxError>),
}

/// A call and the way back to its client.
pub(crate) struct IncomingCall {
    pub(crate) request: Request<RequestBody>,
    pub(crate) responder: Responder,
    /// The size of its head, as SETTINGS_MAX_HEADER_LIST_SIZE counts it.
    pub(crate) head_size: usize,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ServerConnection<IO> {
    /// `memory`: what the client makes grow is taken from it.
    pub(crate) fn new(io: IO, settings: &Http2Settings, memory: &Arc<Memory>) -> Self {
        let (wire, control, facts) = Wire::server(io, settings.max_header_list_size);
        control.limit_frames_a_turn();
        let traffic = Traffic::new(Arc::clone(memory));
        Self {
            http: Http::Handshake(Box::new(settings.builder().handshake(wire))),
            wire: control,
            facts,
            floods: FloodWatch::new(Arc::clone(traffic.share()), limit_for_h2(settings.max_header_list_size)),
            traffic,
            window: Window::new(settings.connection_window, Arc::clone(&memory.windows)),
            told_settings: false,
            told_second_goaway: false,
        }
    }

    /// The next event. What h2 wrote leaves when there is no further event, so that the answers to many calls
    /// leave together.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionEvent> {
        if let Poll::Ready(event) = self.poll_http(cx) {
            return Poll::Ready(event);
        }
        let drained = self.wire.poll_drain(cx);
        if let Poll::Ready(Err(error)) = drained {
            return Poll::Ready(self.closed(Some(error.into())));
        }
        if let Some(flood) = self.floods.look(&self.facts, &self.traffic) {
            return Poll::Ready(self.end_flood(flood, cx));
        }
        // Not while the client takes nothing: what it makes us say would pile up here.
        self.wire.start_turn(drained.is_ready());
        self.grow_window();
        if !self.told_settings && self.facts.settings_received() {
            self.told_settings = true;
            return Poll::Ready(ConnectionEvent::SettingsReceived);
        }
        if !self.told_second_goaway && self.facts.goaway_written_last_id().is_some_and(|id| id < ALL_STREAMS)
        {
            self.told_second_goaway = true;
            return Poll::Ready(ConnectionEvent::SecondGoAwaySent);
        }
        Poll::Pending
    }

    /// The last call that was open has ended: nothing of any request is kept.
    pub(crate) fn on_no_calls(&mut self) {
        self.traffic.set_small_read(self.facts.small_data());
    }

    /// Sends GOAWAY(2^31-1) and a PING; h2 sends the second GOAWAY when the PING is ACKed. `debug` goes into both.
    pub(crate) fn start_graceful_shutdown(&mut self, debug: &'static str) {
        self.wire.set_goaway_debug(Reason::NO_ERROR.into(), debug);
        if let Http::Open(connection) = &mut self.http {
            connection.graceful_shutdown();
        }
    }

    /// Goes on as if the client had ACKed the PING.
    pub(crate) fn hand_in_shutdown_ack(&mut self) {
        self.wire.hand_in_shutdown_ack();
    }

    /// After [`ConnectionEvent::Closed`]: sends what is left, and waits until the client has closed its side.
    ///
    /// Closing a socket with unread bytes makes the kernel send a reset, which can overtake and destroy the last
    /// frames on the client's side (grpc-go issue 5358). Give it a time limit.
    pub(crate) async fn linger(&mut self) {
        let drained = poll_fn(|cx| self.wire.poll_drain(cx)).await;
        if drained.is_ok() {
            poll_fn(|cx| self.wire.poll_peer_closed(cx)).await;
        }
    }

    /// Before the connection is dropped under its calls: what the socket takes without traffic is still sent.
    pub(crate) fn send_what_fits(&mut self, cx: &mut Context<'_>) {
        let _ = self.wire.poll_drain(cx);
    }

    fn poll_http(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionEvent> {
        let accepted = match &mut self.http {
            Http::Handshake(handshake) => match ready!(Pin::new(handshake).poll(cx)) {
                Ok(connection) => {
                    self.http = Http::Open(Box::new(connection));
                    return Poll::Ready(ConnectionEvent::Opened);
                }
                Err(error) => Some(Err(error)),
            },
            Http::Open(connection) => ready!(pin!(connection.accept()).poll(cx)),
            Http::Closed => return Poll::Pending,
        };
        Poll::Ready(match accepted {
            Some(Ok((request, respond))) => ConnectionEvent::Call(self.incoming(request, respond)),
            Some(Err(error)) => self.closed(Some(error.into())),
            None => self.closed(None),
        })
    }

    fn incoming(&self, request: Request<RecvStream>, respond: SendResponse<Counted>) -> IncomingCall {
        let content_type = request.headers().get(CONTENT_TYPE);
        let is_grpc = content_type.is_some_and(|value| grpc_subtype(value.as_bytes()).is_some());
        IncomingCall {
            head_size: header_list::request_size(&request),
            request: request.map(|stream| {
                RequestBody::new(stream, Arc::clone(&self.traffic), Arc::clone(&self.facts), is_grpc)
            }),
            responder: Responder::new(respond, Arc::clone(&self.facts), Arc::clone(&self.traffic)),
        }
    }

    fn grow_window(&mut self) {
        if let Http::Open(connection) = &mut self.http
            && let Some(size) = self.window.on_read(self.traffic.read())
        {
            connection.set_target_window_size(size);
        }
    }

    /// Says GOAWAY with ENHANCE_YOUR_CALM, as far as the client listens.
    fn end_flood(&mut self, flood: &'static str, cx: &mut Context<'_>) -> ConnectionEvent {
        if let Http::Open(connection) = &mut self.http {
            self.wire.set_goaway_debug(Reason::ENHANCE_YOUR_CALM.into(), flood);
            connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            let _ = self.poll_http(cx);
            let _ = self.wire.poll_drain(cx);
        }
        self.http = Http::Closed;
        ConnectionEvent::Flooded(flood)
    }

    /// Dropping h2's part ends every stream that is still open, and its handler with it.
    fn closed(&mut self, cause: Option<BoxError>) -> ConnectionEvent {
        if matches!(self.http, Http::Handshake(_)) {
            match self.facts.foreign() {
                Some(Foreign::Http1) => self.wire.replace_output(HTTP1_ANSWER),
                // It went before it had said anything, as a probe does.
                None => self.wire.replace_output(&[]),
                // Our SETTINGS say what we speak.
                Some(_) => {}
            }
        }
        self.http = Http::Closed;
        ConnectionEvent::Closed(cause)
    }
}

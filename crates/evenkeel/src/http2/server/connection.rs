//! A server's HTTP/2 connection: h2 on a [`Wire`].

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::StdError as BoxError;

use super::answer::Responder;
use super::body::RequestBody;
use super::settings::Http2Settings;
use crate::http2::wire::{Wire, WireControl, WireFacts};

/// The last stream id of a first GOAWAY, which promises to process all streams.
const ALL_STREAMS: u32 = (1 << 31) - 1;

/// A connection; poll it for events in one task, which also drains what it wrote.
pub(crate) struct ServerConnection<IO> {
    http: Http<IO>,
    wire: WireControl<IO>,
    facts: Arc<WireFacts>,
    told_settings: bool,
    told_second_goaway: bool,
}

enum Http<IO> {
    Handshake(Box<h2::server::Handshake<Wire<IO>, Bytes>>),
    Open(Box<h2::server::Connection<Wire<IO>, Bytes>>),
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
    /// Nothing more comes, and nothing more can be sent. With the cause unless it ended in order.
    Closed(Option<BoxError>),
}

/// A call and the way back to its client.
pub(crate) struct IncomingCall {
    pub(crate) request: Request<RequestBody>,
    pub(crate) responder: Responder,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ServerConnection<IO> {
    pub(crate) fn new(io: IO, settings: &Http2Settings) -> Self {
        let (wire, control, facts) = Wire::server(io);
        Self {
            http: Http::Handshake(Box::new(settings.builder().handshake(wire))),
            wire: control,
            facts,
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
        if let Poll::Ready(Err(error)) = self.wire.poll_drain(cx) {
            return Poll::Ready(self.closed(Some(error.into())));
        }
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

    /// Sends GOAWAY(2^31-1) and a PING; h2 sends the second GOAWAY when the PING is ACKed. `debug` goes into both.
    pub(crate) fn start_graceful_shutdown(&mut self, debug: &'static str) {
        self.wire.set_goaway_debug(debug);
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

    /// Before the connection is dropped under its calls: what the socket takes without waiting is still sent.
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
            Some(Ok((request, respond))) => ConnectionEvent::Call(IncomingCall {
                request: request.map(RequestBody::new),
                responder: Responder::new(respond),
            }),
            Some(Err(error)) => self.closed(Some(error.into())),
            None => self.closed(None),
        })
    }

    /// Dropping h2's part ends every stream that is still open, and its handler with it.
    fn closed(&mut self, cause: Option<BoxError>) -> ConnectionEvent {
        self.http = Http::Closed;
        ConnectionEvent::Closed(cause)
    }
}

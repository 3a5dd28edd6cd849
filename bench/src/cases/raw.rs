//! The least that a gRPC call needs of h2, by hand: what everything else is compared with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use futures_util::stream::{FuturesUnordered, StreamExt};
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};

use super::PAYLOAD;
use super::callers::Caller;

const URI: &str = "http://pods/evenkeel.test.v1.Echo/Unary";
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// A byte that says "not compressed", and the length.
const PREFIX: usize = 5;

/// Takes connections in turn.
#[derive(Clone)]
pub(super) struct RawClient {
    connections: Arc<[SendRequest<Bytes>]>,
    next: Arc<AtomicUsize>,
}

impl RawClient {
    pub(super) fn new(connections: Vec<SendRequest<Bytes>>) -> Self {
        Self { connections: connections.into(), next: Arc::default() }
    }
}

impl Caller for RawClient {
    async fn call(&mut self) -> Result<usize, String> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut connection = self.connections[turn % self.connections.len()].clone();
        exchange(&mut connection).await.map_err(|error| error.to_string())
    }
}

async fn exchange(connection: &mut SendRequest<Bytes>) -> Result<usize, h2::Error> {
    let (response, mut stream) = connection.send_request(head(), false)?;
    stream.send_data(framed(&EchoRequest { payload: vec![7; PAYLOAD], ..EchoRequest::default() }), true)?;
    let mut body = response.await?.into_body();
    let message = read(&mut body).await?;
    let trailers = body.trailers().await?.unwrap_or_default();
    if trailers.get("grpc-status").is_none_or(|status| status != "0") {
        return Err(Reason::INTERNAL_ERROR.into());
    }
    let answer = EchoResponse::decode(message.get(PREFIX..).unwrap_or_default());
    answer.map(|answer| answer.payload.len()).map_err(|_| Reason::INTERNAL_ERROR.into())
}

fn head() -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = Method::POST;
    *head.uri_mut() = http::Uri::from_static(URI);
    *head.version_mut() = Version::HTTP_2;
    let headers = head.headers_mut();
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.insert(header::USER_AGENT, HeaderValue::from_static("raw-h2"));
    head
}

fn framed(message: &impl Message) -> Bytes {
    let mut buffer = BytesMut::with_capacity(PREFIX + message.encoded_len());
    buffer.put_u8(0);
    buffer.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
    // It was given room enough.
    let _ = message.encode(&mut buffer);
    buffer.freeze()
}

/// The whole body; of one piece, mostly, and then not copied.
async fn read(body: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut whole = Bytes::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        whole = if whole.is_empty() { piece } else { [whole, piece].concat().into() };
    }
    Ok(whole)
}

/// Answers the calls of one connection with what they sent.
pub(super) async fn serve(io: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(io).await?;
    let mut answers = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(accepted) => {
                    let (request, respond) = accepted?;
                    answers.push(answer(request.into_body(), respond));
                }
                None => return Ok(()),
            },
            Some(answered) = answers.next() => answered?,
        }
    }
}

async fn answer(mut body: RecvStream, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let message = read(&mut body).await?;
    let Ok(request) = EchoRequest::decode(message.get(PREFIX..).unwrap_or_default()) else {
        return Err(Reason::INTERNAL_ERROR.into());
    };
    let mut head = Response::new(());
    head.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    let mut stream = respond.send_response(head, false)?;
    stream.send_data(framed(&EchoResponse { payload: request.payload, ..EchoResponse::default() }), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

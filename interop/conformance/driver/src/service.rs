//! The suite's service: each call answers as its first request says, and tells what it saw.

use std::time::Duration;

use prost_types::Any;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::Failure;
use crate::convert::{add_to, to_any, to_metadata, to_status, to_suite};
use crate::proto::conformance_payload::RequestInfo;
use crate::proto::conformance_service_server::ConformanceService;
use crate::proto::unary_response_definition::Response as Defined;
use crate::proto::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse, ConformancePayload,
    Header, IdempotentUnaryRequest, IdempotentUnaryResponse, ServerStreamRequest, ServerStreamResponse,
    StreamResponseDefinition, UnaryRequest, UnaryResponse, UnaryResponseDefinition, UnimplementedRequest,
    UnimplementedResponse,
};
use crate::trailers::Trailers;

/// The service has no state: a request says all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conformance;

/// What tonic sends of a stream.
type Answering<R> = ReceiverStream<Result<R, Status>>;

/// The response side of a stream.
struct Answers<R> {
    sender: mpsc::Sender<Result<R, Status>>,
    wrap: fn(ConformancePayload) -> R,
    definition: StreamResponseDefinition,
    sent: usize,
    metadata: MetadataMap,
    /// The requests that no answer has told of.
    requests: Vec<Any>,
}

/// The answers' receiver has gone: the call has ended.
struct Gone;

#[tonic::async_trait]
impl ConformanceService for Conformance {
    type ServerStreamStream = Answering<ServerStreamResponse>;
    type BidiStreamStream = Answering<BidiStreamResponse>;

    async fn unary(&self, request: Request<UnaryRequest>) -> Result<Response<UnaryResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let seen = vec![to_any("UnaryRequest", &message)];
        let answer = answer(message.response_definition, &metadata, seen).await?;
        Ok(answer.map(|payload| UnaryResponse { payload: Some(payload) }))
    }

    async fn idempotent_unary(
        &self,
        request: Request<IdempotentUnaryRequest>,
    ) -> Result<Response<IdempotentUnaryResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let seen = vec![to_any("IdempotentUnaryRequest", &message)];
        let answer = answer(message.response_definition, &metadata, seen).await?;
        Ok(answer.map(|payload| IdempotentUnaryResponse { payload: Some(payload) }))
    }

    async fn unimplemented(
        &self,
        _: Request<UnimplementedRequest>,
    ) -> Result<Response<UnimplementedResponse>, Status> {
        Err(Status::unimplemented("not implemented, as the suite wants it"))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<ClientStreamRequest>>,
    ) -> Result<Response<ClientStreamResponse>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let mut seen = Vec::new();
        let mut definition = None;
        while let Some(message) = messages.message().await? {
            let any = to_any("ClientStreamRequest", &message);
            if seen.is_empty() {
                definition = message.response_definition;
            }
            seen.push(any);
        }
        let answer = answer(definition, &metadata, seen).await?;
        Ok(answer.map(|payload| ClientStreamResponse { payload: Some(payload) }))
    }

    async fn server_stream(
        &self,
        request: Request<ServerStreamRequest>,
    ) -> Result<Response<Self::ServerStreamStream>, Status> {
        let (metadata, _, message) = request.into_parts();
        let seen = vec![to_any("ServerStreamRequest", &message)];
        let wrap = |payload| ServerStreamResponse { payload: Some(payload) };
        let (mut answers, response) = Answers::new(message.response_definition, metadata, seen, wrap)?;
        tokio::spawn(async move {
            let _ = answers.finish().await;
        });
        Ok(response)
    }

    async fn bidi_stream(
        &self,
        request: Request<Streaming<BidiStreamRequest>>,
    ) -> Result<Response<Self::BidiStreamStream>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let first = messages.message().await?;
        let full_duplex = first.as_ref().is_some_and(|first| first.full_duplex);
        let seen = first.iter().map(|first| to_any("BidiStreamRequest", first)).collect();
        let definition = first.and_then(|first| first.response_definition);
        let wrap = |payload| BidiStreamResponse { payload: Some(payload) };
        let (mut answers, response) = Answers::new(definition, metadata, seen, wrap)?;
        tokio::spawn(async move {
            let _ = answers.converse(messages, full_duplex).await;
        });
        Ok(response)
    }
}

impl<R: Send + 'static> Answers<R> {
    /// With the response that they go out by: its headers are sent at once.
    fn new(
        definition: Option<StreamResponseDefinition>,
        metadata: MetadataMap,
        requests: Vec<Any>,
        wrap: fn(ConformancePayload) -> R,
    ) -> Result<(Self, Response<Answering<R>>), Status> {
        let definition = definition.unwrap_or_default();
        let (sender, receiver) = mpsc::channel(1);
        let stream = ReceiverStream::new(receiver);
        let response = dress(stream, &definition.response_headers, &definition.response_trailers);
        let answers = Self { sender, wrap, definition, sent: 0, metadata, requests };
        Ok((answers, response.map_err(refuse)?))
    }

    /// One more, or false if there are no more.
    async fn next(&mut self, full_duplex: bool) -> Result<bool, Gone> {
        let Some(data) = self.definition.response_data.get(self.sent).cloned() else { return Ok(false) };
        sleep(milliseconds(self.definition.response_delay_ms)).await;
        let requests = std::mem::take(&mut self.requests);
        let request_info = match self.sent {
            0 => Some(info(&self.metadata, requests)),
            _ if full_duplex => Some(RequestInfo { requests, ..RequestInfo::default() }),
            _ => None,
        };
        self.sent += 1;
        let answer = (self.wrap)(ConformancePayload { data, request_info });
        self.sender.send(Ok(answer)).await.map_err(|_| Gone)?;
        Ok(true)
    }

    /// All that are left, and the error if there is one.
    async fn finish(&mut self) -> Result<(), Gone> {
        while self.next(false).await? {}
        let Some(mut error) = self.definition.error.take() else { return Ok(()) };
        if self.sent == 0 {
            let seen = info(&self.metadata, std::mem::take(&mut self.requests));
            error.details.push(to_any("ConformancePayload.RequestInfo", &seen));
        }
        self.sender.send(Err(to_status(error, MetadataMap::new()))).await.map_err(|_| Gone)
    }

    /// Answers each request in turn with full duplex, and all at the end without.
    async fn converse(
        &mut self,
        mut messages: Streaming<BidiStreamRequest>,
        full_duplex: bool,
    ) -> Result<(), Gone> {
        loop {
            if full_duplex && !self.next(true).await? {
                break;
            }
            match messages.message().await {
                Ok(Some(message)) => self.requests.push(to_any("BidiStreamRequest", &message)),
                Ok(None) => break,
                Err(status) => return self.sender.send(Err(status)).await.map_err(|_| Gone),
            }
        }
        self.finish().await
    }
}

/// The answer to a call that has one.
async fn answer(
    definition: Option<UnaryResponseDefinition>,
    metadata: &MetadataMap,
    requests: Vec<Any>,
) -> Result<Response<ConformancePayload>, Status> {
    let definition = definition.unwrap_or_default();
    let seen = info(metadata, requests);
    sleep(milliseconds(definition.response_delay_ms)).await;
    let data = match definition.response {
        Some(Defined::Error(mut error)) => {
            error.details.push(to_any("ConformancePayload.RequestInfo", &seen));
            // Tonic sends such an error as Trailers-Only.
            let all = [definition.response_headers, definition.response_trailers].concat();
            return Err(to_status(error, to_metadata(&all).map_err(refuse)?));
        }
        Some(Defined::ResponseData(data)) => data,
        None => Vec::new(),
    };
    let payload = ConformancePayload { data, request_info: Some(seen) };
    dress(payload, &definition.response_headers, &definition.response_trailers).map_err(refuse)
}

fn dress<T>(message: T, headers: &[Header], trailers: &[Header]) -> Result<Response<T>, Failure> {
    let mut response = Response::new(message);
    *response.metadata_mut() = to_metadata(headers)?;
    let mut added = http::HeaderMap::new();
    add_to(&mut added, trailers)?;
    response.extensions_mut().insert(Trailers(added));
    Ok(response)
}

/// What the server saw of a call.
fn info(metadata: &MetadataMap, requests: Vec<Any>) -> RequestInfo {
    let timeout_ms = metadata.get("grpc-timeout").and_then(|value| timeout_ms(value.to_str().ok()?));
    let request_headers = to_suite(metadata.as_ref());
    RequestInfo { request_headers, timeout_ms, requests, connect_get_info: None }
}

/// `grpc-timeout` in milliseconds.
fn timeout_ms(text: &str) -> Option<i64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: i64 = count.parse().ok()?;
    Some(match unit {
        "H" => count * 3_600_000,
        "M" => count * 60_000,
        "S" => count * 1_000,
        "m" => count,
        "u" => count / 1_000,
        "n" => count / 1_000_000,
        _ => return None,
    })
}

fn refuse(failure: Failure) -> Status {
    Status::invalid_argument(format!("the response's definition: {failure}"))
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}

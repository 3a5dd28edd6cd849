//! What came back on the wire. Tonic merges the trailers of unary calls into their headers; the suite tells them apart.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use evenkeel::{Channel, ResponseBody};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tonic::body::Body;
use tonic::codegen::{Bytes, StdError};
use tower_service::Service;

/// The headers and trailers of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(Arc<Mutex<(HeaderMap, HeaderMap)>>);

/// A channel for one call that notes what it answers.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    channel: Channel,
    captured: Captured,
}

impl Captured {
    /// Headers, then trailers; those of a Trailers-Only response are trailers.
    pub(crate) fn take(&self) -> (HeaderMap, HeaderMap) {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut (HeaderMap, HeaderMap)) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn watch(self, response: Response<ResponseBody>) -> Response<UnsyncBoxBody<Bytes, StdError>> {
        let headers = response.headers().clone();
        let trailers_only = headers.contains_key("grpc-status");
        self.with(|seen| if trailers_only { seen.1 = headers } else { seen.0 = headers });
        response.map(|body| {
            let noted = body.map_frame(move |frame| {
                if let Some(trailers) = frame.trailers_ref() {
                    self.with(|seen| seen.1 = trailers.clone());
                }
                frame
            });
            noted.map_err(Into::into).boxed_unsync()
        })
    }
}

impl Capture {
    pub(crate) fn new(channel: Channel, captured: Captured) -> Self {
        Self { channel, captured }
    }
}

impl Service<Request<Body>> for Capture {
    type Response = Response<UnsyncBoxBody<Bytes, StdError>>;
    type Error = StdError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, StdError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Service::<Request<Body>>::poll_ready(&mut self.channel, cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = self.channel.call(request);
        let captured = self.captured.clone();
        Box::pin(async move { Ok(captured.watch(response.await?)) })
    }
}

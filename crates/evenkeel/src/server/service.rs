//! One of the user's services, as tonic's router takes it, and what answers for services that are not there.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::{Either, Ready, ready as now};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::StdError as BoxError;
use tonic::server::NamedService;
use tower_service::Service;

use super::refusal::{Refusal, Subtypes};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const UNIMPLEMENTED: &[u8] = b"12";

/// The builder may learn of them after its services.
pub(super) type SharedSubtypes = Arc<RwLock<Subtypes>>;

/// A gRPC service: its response body, which an interceptor may have wrapped, becomes tonic's. Requests that are not gRPC
/// do not reach it, which tonic's own dispatch does not look at; and a method that is not there is named.
#[derive(Clone, Debug)]
pub(super) struct GrpcService<S> {
    pub(super) inner: S,
    pub(super) subtypes: SharedSubtypes,
}

/// Answers for services that are not there.
#[derive(Clone, Debug)]
pub(super) struct NoService {
    pub(super) subtypes: SharedSubtypes,
}

pin_project! {
    /// A service's answer.
    pub(super) struct Answering<F> {
        #[pin]
        answer: F,
        path: Option<PathAndQuery>,
    }
}

impl<S: NamedService> NamedService for GrpcService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<Request<Body>> for GrpcService<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Answering<S::Future>, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if let Some(refusal) = fault(&request, &self.subtypes) {
            return Either::Right(now(Ok(refusal.into_response())));
        }
        let path = request.uri().path_and_query().cloned();
        Either::Left(Answering { answer: self.inner.call(request), path })
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx))?;
        let headers = response.headers_mut();
        if is_unnamed(headers)
            && let Some(path) = this.path.take()
        {
            name_method(headers, path.path());
        }
        Poll::Ready(Ok(response.map(Body::new)))
    }
}

impl<B> Service<Request<B>> for NoService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let refusal = fault(&request, &self.subtypes).unwrap_or_else(|| no_service(request.uri().path()));
        now(Ok(refusal.into_response()))
    }
}

/// Why a request must not reach a gRPC service, if there is a reason.
pub(super) fn fault<B>(request: &Request<B>, subtypes: &SharedSubtypes) -> Option<Refusal> {
    Refusal::of(request, &subtypes.read().unwrap_or_else(PoisonError::into_inner))
}

/// What tonic's generated code answers for a method that it does not know.
pub(super) fn is_unnamed(headers: &HeaderMap) -> bool {
    headers.get(GRPC_STATUS).is_some_and(|code| code.as_bytes() == UNIMPLEMENTED)
        && !headers.contains_key(GRPC_MESSAGE)
}

/// Says in an answer which method it is that the service does not have.
pub(super) fn name_method(headers: &mut HeaderMap, path: &str) {
    let (service, method) = split(path);
    let text = format!("unknown method {method} for service {service}");
    // A path is printable, and a `%` in it would be taken for an escape.
    if let Ok(message) = HeaderValue::try_from(text.replace('%', "%25")) {
        headers.insert(GRPC_MESSAGE, message);
    }
}

/// What a call of a service is answered that is not there.
pub(super) fn no_service(path: &str) -> Refusal {
    let (service, method) = split(path);
    let text = format!("unknown service {service} (asked for its method {method})");
    Refusal::Status(Status::unimplemented(text))
}

/// The service and the method of a path.
pub(super) fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.rsplit_once('/').unwrap_or((path, ""))
}

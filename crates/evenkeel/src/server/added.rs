//! Routes that the program brings along whole: gRPC services and HTTP routes side by side, with types that are gone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::{Either, Ready, ready as now};
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tonic::codegen::StdError as BoxError;
use tonic::service::Routes;
use tower_layer::Layer;
use tower_service::Service;

use super::refusal::Refusal;
use super::routed::Routed;
use super::service::{SharedSubtypes, fault, is_unnamed, name_method, no_service, split};

const GRPC_WEB: &[u8] = b"application/grpc-web";

/// Stands around each route and the fallback, and keeps from gRPC services what is not gRPC. HTTP routes keep what is
/// theirs.
#[derive(Clone, Debug)]
pub(super) struct AddedRoutes {
    routed: Arc<Routed>,
    subtypes: SharedSubtypes,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct AddedRoute<S> {
    inner: S,
    all: AddedRoutes,
}

pin_project! {
    /// What it answers.
    pub(super) struct Answering<F> {
        #[pin]
        answer: F,
        path: Option<PathAndQuery>,
        fault: Option<Refusal>,
        routed: Arc<Routed>,
    }
}

impl AddedRoutes {
    pub(super) fn of(routes: &Routes, subtypes: SharedSubtypes) -> Self {
        Self { routed: Arc::new(Routed::new(routes)), subtypes }
    }
}

/// Whether the request is one of gRPC-Web, which the routes may have brought a layer for, or asks for leave to make one.
fn is_grpc_web<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    request.method() == Method::OPTIONS || content_type.is_some_and(|value| value.starts_with(GRPC_WEB))
}

impl<S> Layer<S> for AddedRoutes {
    type Service = AddedRoute<S>;

    fn layer(&self, inner: S) -> AddedRoute<S> {
        AddedRoute { inner, all: self.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for AddedRoute<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Answering<S::Future>, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let AddedRoutes { routed, subtypes } = &self.all;
        let fault = fault(&request, subtypes);
        if fault.is_some() && !is_grpc_web(&request) && routed.is_service(request.uri().path()) {
            let refusal = fault.map(Refusal::into_response).unwrap_or_default();
            return Either::Right(now(Ok(refusal)));
        }
        let path = request.uri().path_and_query().cloned();
        let routed = Arc::clone(routed);
        Either::Left(Answering { answer: self.inner.call(request), path, fault, routed })
    }
}

impl<F, R, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx))?;
        // Only tonic answers so: where there is no route, and where there is no method.
        if !is_unnamed(response.headers()) {
            return Poll::Ready(Ok(response.map(Body::new)));
        }
        if let Some(refusal) = this.fault.take() {
            return Poll::Ready(Ok(refusal.into_response()));
        }
        let path = this.path.take();
        let path = path.as_ref().map_or("", PathAndQuery::path);
        if this.routed.has(split(path).0) {
            name_method(response.headers_mut(), path);
            return Poll::Ready(Ok(response.map(Body::new)));
        }
        Poll::Ready(Ok(no_service(path).into_response()))
    }
}

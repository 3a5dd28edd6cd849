//! One of the user's services, as tonic's router takes it.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, MapOk, Ready, ready};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use tonic::body::Body;
use tonic::codegen::StdError as BoxError;
use tonic::server::NamedService;
use tower_service::Service;

/// A gRPC service: its response body, which an interceptor may have wrapped, becomes tonic's, and requests that are
/// not gRPC get HTTP 415, as the protocol wants it. Tonic's own dispatch does not look at the content type.
#[derive(Clone, Debug)]
pub(super) struct GrpcService<S>(pub(super) S);

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
    type Future =
        Either<MapOk<S::Future, fn(Response<B>) -> Response<Body>>, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !is_grpc(request.headers()) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Either::Right(ready(Ok(response)));
        }
        Either::Left(self.0.call(request).map_ok(|response| response.map(Body::new)))
    }
}

/// `application/grpc`, with or without `+proto` and the like; gRPC-Web begins the same.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

//! Trailers beside a unary answer. Tonic has no way to set them; the suite's servers have to.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

/// An extension of a response: what is added to its trailers.
#[derive(Clone, Debug)]
pub(crate) struct Trailers(pub(crate) HeaderMap);

/// A service whose responses may have [`Trailers`].
#[derive(Clone, Debug)]
pub(crate) struct WithTrailers<S>(pub(crate) S);

impl<S: NamedService> NamedService for WithTrailers<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for WithTrailers<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async move { Ok(add(response.await?)) })
    }
}

fn add(mut response: Response<Body>) -> Response<Body> {
    let Some(Trailers(added)) = response.extensions_mut().remove() else { return response };
    response.map(|body| {
        Body::new(body.map_frame(move |mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                trailers.extend(added.clone());
            }
            frame
        }))
    })
}

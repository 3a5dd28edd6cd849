//! A tower layer that puts the pod's name on every response and counts the calls it served.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

/// The header that names the pod.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// How many calls were answered, health included, whatever the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served(Arc<AtomicU64>);

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct ServedBy {
    name: HeaderValue,
    served: Served,
}

/// What [`ServedBy`] makes of a service.
#[derive(Clone, Debug)]
pub(crate) struct NamedService<S> {
    inner: S,
    layer: ServedBy,
}

impl Served {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl ServedBy {
    pub(crate) fn new(name: HeaderValue, served: Served) -> Self {
        Self { name, served }
    }
}

impl<S> Layer<S> for ServedBy {
    type Service = NamedService<S>;

    fn layer(&self, inner: S) -> NamedService<S> {
        NamedService { inner, layer: self.clone() }
    }
}

impl<S, Body, Answer> Service<Request<Body>> for NamedService<S>
where
    S: Service<Request<Body>, Response = Response<Answer>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    Answer: 'static,
{
    type Response = Response<Answer>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let ServedBy { name, served } = self.layer.clone();
        let response = self.inner.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            response.headers_mut().insert(SERVED_BY, name);
            served.0.fetch_add(1, Ordering::Relaxed);
            Ok(response)
        })
    }
}

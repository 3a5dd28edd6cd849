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

/// How many calls were answered, health included, whatever the answer. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Served(Arc<AtomicU64>);

/// A layer that puts the pod's name on every response, as `x-served-by`, and counts the calls it served.
#[derive(Clone, Debug)]
pub struct ServedBy {
    name: HeaderValue,
    served: Served,
}

/// What [`ServedBy`] makes of a service.
#[derive(Clone, Debug)]
pub struct NamedService<S> {
    inner: S,
    layer: ServedBy,
}

impl Served {
    /// Until now.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl ServedBy {
    /// Each response is signed with `name` and counted in `served`.
    pub fn new(name: HeaderValue, served: Served) -> Self {
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

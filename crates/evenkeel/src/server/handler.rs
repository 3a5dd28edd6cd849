//! What answers calls: the user's services under the user's layers, with their types forgotten.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::StdError as BoxError;
use tonic::service::Routes;
use tower::{Service, ServiceExt};
use tower_layer::Layer;

use super::health::{HealthService, is_for_health};
use super::service::{GrpcService, SharedSubtypes};

pub(super) type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Answers calls; each connection has its own copy.
pub(super) trait Handler: Send {
    /// Nothing of the user's runs before the answer is polled.
    fn call(&mut self, request: Request<Body>) -> Answer;

    fn boxed_clone(&self) -> Box<dyn Handler>;
}

/// A tower service as a [`Handler`].
#[derive(Clone, Debug)]
pub(super) struct ServiceHandler<S>(pub(super) S);

/// Health, and behind it everything else: a layer of the program, for authentication or against overload, must not lock
/// probes out.
pub(super) struct HealthFirst {
    health: ServiceHandler<GrpcService<HealthService>>,
    others: Box<dyn Handler>,
}

impl HealthFirst {
    pub(super) fn new(health: HealthService, others: Box<dyn Handler>) -> Self {
        Self {
            health: ServiceHandler(GrpcService { inner: health, subtypes: SharedSubtypes::default() }),
            others,
        }
    }
}

impl Handler for HealthFirst {
    fn call(&mut self, request: Request<Body>) -> Answer {
        if is_for_health(request.uri().path()) {
            self.health.call(request)
        } else {
            self.others.call(request)
        }
    }

    fn boxed_clone(&self) -> Box<dyn Handler> {
        Box::new(Self { health: self.health.clone(), others: self.others.boxed_clone() })
    }
}

/// The layers of a [`ServerBuilder`](super::ServerBuilder): any tower layer that makes, of tonic's routes, a service
/// for HTTP requests whose errors can become a [`Status`]. Implemented for all of them; not to be implemented by hand.
pub trait ServerLayer: sealed::Sealed {
    #[doc(hidden)]
    fn around(&self, routes: Routes) -> sealed::Layered;
}

mod sealed {
    /// Keeps the trait free to change.
    pub trait Sealed {}

    /// The layered service with its type forgotten.
    pub struct Layered(pub(in crate::server) Box<dyn super::Handler>);
}

impl<L, S, B> sealed::Sealed for L
where
    L: Layer<Routes, Service = S>,
    S: Service<Request<Body>, Response = Response<B>>,
{
}

impl<L, S, B> ServerLayer for L
where
    L: Layer<Routes, Service = S>,
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn around(&self, routes: Routes) -> sealed::Layered {
        sealed::Layered(Box::new(ServiceHandler(self.layer(routes))))
    }
}

impl<S, B> Handler for ServiceHandler<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn call(&mut self, request: Request<Body>) -> Answer {
        let service = self.0.clone();
        Box::pin(async move {
            match service.oneshot(request).await {
                Ok(response) => response.map(Body::new),
                // A layer's error becomes the call's status, as with tonic's own server.
                Err(error) => Status::from_error(error.into()).into_http(),
            }
        })
    }

    fn boxed_clone(&self) -> Box<dyn Handler> {
        Box::new(self.clone())
    }
}

//! The standard health service, `grpc.health.v1.Health`: SERVING while the server listens, NOT_SERVING once it drains.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower_service::Service;

use super::routed::Routed;

/// The name under which the service is found. Asked for by that name, it is SERVING as long as it answers at all: a
/// server that drains is not to be killed for it, so this is what a liveness probe wants to know.
pub(super) const HEALTH: &str = "grpc.health.v1.Health";

/// A server's health, as a service for another server: see [`BoundServer::health_service`](super::BoundServer::health_service).
/// There too it stands outside the layers.
#[derive(Clone)]
pub struct HealthService(HealthServer<Statuses>);

/// All services of a server share one fate, but for health itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serving,
    NotServing,
    /// Watches end: they are calls without an end of their own, and would hold up every drain to its deadline.
    Ended,
}

/// The server's hand on what its health service reports.
#[derive(Debug)]
pub(super) struct HealthControl {
    state: watch::Sender<State>,
    service: HealthService,
}

#[derive(Clone, Debug)]
struct Statuses {
    /// The services that are there.
    routed: Routed,
    state: watch::Receiver<State>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The server, or one of its services.
    Service,
    Health,
    Unknown,
}

/// What a watcher is told: the status at once, then each change.
struct Watch {
    state: watch::Receiver<State>,
    subject: Subject,
    told: Option<i32>,
    changed: Option<Changed>,
}

/// Whether there was a change; else the server is gone.
type Changed = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The health of a server with the services that `routed` knows.
pub(super) fn health(routed: Routed) -> HealthControl {
    let (state, receiver) = watch::channel(State::Serving);
    let service = HealthServer::new(Statuses { routed, state: receiver });
    HealthControl { state, service: HealthService(service) }
}

/// Whether a request is for the health service.
pub(super) fn is_for_health(path: &str) -> bool {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(HEALTH));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

impl HealthControl {
    pub(super) fn service(&self) -> HealthService {
        self.service.clone()
    }

    /// Whoever asks or watches is told NOT_SERVING.
    pub(super) fn report_not_serving(&self) {
        self.state.send_replace(State::NotServing);
    }

    /// Watches get NOT_SERVING as their last message.
    pub(super) fn end_watches(&self) {
        self.state.send_replace(State::Ended);
    }
}

impl Drop for HealthControl {
    /// However a server goes, dropped in the middle of its work included: who asks elsewhere must not be told that it serves.
    fn drop(&mut self) {
        self.end_watches();
    }
}

impl Subject {
    fn status(self, state: State) -> ServingStatus {
        match (self, state) {
            (Self::Unknown, _) => ServingStatus::ServiceUnknown,
            (Self::Health, _) | (Self::Service, State::Serving) => ServingStatus::Serving,
            (Self::Service, State::NotServing | State::Ended) => ServingStatus::NotServing,
        }
    }
}

impl Statuses {
    fn subject(&self, name: &str) -> Subject {
        match name {
            HEALTH => Subject::Health,
            // The empty name is the server as a whole.
            "" => Subject::Service,
            name if self.routed.has(name) => Subject::Service,
            _ => Subject::Unknown,
        }
    }
}

#[tonic::async_trait]
impl Health for Statuses {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let subject = self.subject(&request.get_ref().service);
        if subject == Subject::Unknown {
            return Err(Status::not_found("no such service"));
        }
        let status = subject.status(*self.state.borrow()) as i32;
        Ok(Response::new(HealthCheckResponse { status }))
    }

    /// An unknown service is not an error here, but the status SERVICE_UNKNOWN (gRPC health checking protocol).
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let subject = self.subject(&request.get_ref().service);
        Ok(Response::new(Watch { state: self.state.clone(), subject, told: None, changed: None }))
    }
}

impl NamedService for HealthService {
    const NAME: &'static str = HEALTH;
}

impl Service<http::Request<Body>> for HealthService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

impl fmt::Debug for HealthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthService").finish_non_exhaustive()
    }
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let state = *this.state.borrow_and_update();
            let status = this.subject.status(state) as i32;
            if this.told != Some(status) {
                this.told = Some(status);
                return Poll::Ready(Some(Ok(HealthCheckResponse { status })));
            }
            if state == State::Ended {
                return Poll::Ready(Some(Err(Status::unavailable("the server is draining"))));
            }
            let changed = this.changed.get_or_insert_with(|| {
                let mut state = this.state.clone();
                Box::pin(async move { state.changed().await.is_ok() })
            });
            let changed = ready!(changed.as_mut().poll(cx));
            this.changed = None;
            if !changed {
                return Poll::Ready(None);
            }
        }
    }
}

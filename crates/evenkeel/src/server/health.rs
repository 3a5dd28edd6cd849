//! The standard health service, `grpc.health.v1.Health`: SERVING while the server listens, NOT_SERVING once it drains.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// The name under which the service is found.
pub(super) const HEALTH: &str = "grpc.health.v1.Health";

/// All services of a server share one fate.
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
}

#[derive(Clone, Debug)]
pub(super) struct HealthService {
    /// The services that are there; the empty name is the server as a whole.
    names: Arc<HashSet<&'static str>>,
    state: watch::Receiver<State>,
}

/// What a watcher is told: the status at once, then each change.
pub(super) struct Watch {
    state: watch::Receiver<State>,
    known: bool,
    told: Option<i32>,
    changed: Option<Changed>,
}

/// Whether there was a change; else the server is gone.
type Changed = Pin<Box<dyn Future<Output = bool> + Send>>;

pub(super) fn health(names: &[&'static str]) -> (HealthControl, HealthServer<HealthService>) {
    let (sender, receiver) = watch::channel(State::Serving);
    let names = names.iter().copied().chain([""]).collect();
    let service = HealthService { names: Arc::new(names), state: receiver };
    (HealthControl { state: sender }, HealthServer::new(service))
}

impl HealthControl {
    /// Whoever asks or watches is told NOT_SERVING.
    pub(super) fn report_not_serving(&self) {
        self.state.send_replace(State::NotServing);
    }

    /// Watches get NOT_SERVING as their last message.
    pub(super) fn end_watches(&self) {
        self.state.send_replace(State::Ended);
    }
}

impl State {
    fn status(self) -> ServingStatus {
        match self {
            Self::Serving => ServingStatus::Serving,
            Self::NotServing | Self::Ended => ServingStatus::NotServing,
        }
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !self.names.contains(request.get_ref().service.as_str()) {
            return Err(Status::not_found("no such service"));
        }
        let status = self.state.borrow().status() as i32;
        Ok(Response::new(HealthCheckResponse { status }))
    }

    /// An unknown service is not an error here, but the status SERVICE_UNKNOWN (gRPC health checking protocol).
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let known = self.names.contains(request.get_ref().service.as_str());
        Ok(Response::new(Watch { state: self.state.clone(), known, told: None, changed: None }))
    }
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let state = *this.state.borrow_and_update();
            let status =
                if this.known { state.status() as i32 } else { ServingStatus::ServiceUnknown as i32 };
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

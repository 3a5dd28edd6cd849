//! A server that serves: the accept loop, and its end.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use evenkeel_core::serve::{AcceptBackoff, ServerAction, ServerLife};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::admission::Admission;
use super::connection::{ConnectionSettings, Environment};
use super::error::ServeError;
use super::handler::Handler;
use super::health::{HealthControl, HealthService};
use super::incoming::{AcceptError, Incoming, Start};
use super::lifecycle::{DrainReport, ServerHandle, Wish};
use super::order::{Ended, Order};
use super::tally::Tally;
use crate::clock::Clock;
use crate::observe::{AcceptFailed, ServerEvent, ShutdownStep};
use crate::signal::ShutdownSignal;

/// A server that listens, and serves once [`BoundServer::serve`] or [`BoundServer::serve_until`] is awaited.
///
/// Connections that come before that wait in the system's queue. Dropping it, or the future that serves, closes the
/// listener and every connection at once.
pub struct BoundServer {
    pub(super) incoming: Box<dyn Incoming>,
    pub(super) handler: Box<dyn Handler>,
    pub(super) admission: Arc<Admission>,
    pub(super) settings: Arc<ConnectionSettings>,
    pub(super) health: Option<HealthControl>,
    pub(super) life: ServerLife,
    pub(super) handle: ServerHandle,
    pub(super) wishes: watch::Receiver<Wish>,
}

impl BoundServer {
    /// The TCP address it listens on, the first of several, with the port that was picked for port 0; `None` for a Unix
    /// socket and for the program's own connections. For `[::]` it is `0.0.0.0` where the kernel has no IPv6.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addrs().first().copied()
    }

    /// All TCP addresses it listens on, in the order of [`ServerBuilder::bind_all`](super::ServerBuilder::bind_all).
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.incoming.local_addrs()
    }

    /// The server's remote control.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// This server's health as a service for another one: SERVING and NOT_SERVING as here. `None` when the builder's
    /// health service is off, or the program's own took its place.
    ///
    /// Kubernetes' `grpc:` probes speak plain text. A server with TLS gives its health to a second server on another
    /// port, which may add it like any service; once this server is gone, however it went, that one says NOT_SERVING.
    /// Watches on the other server end with this one: drain this one first.
    pub fn health_service(&self) -> Option<HealthService> {
        self.health.as_ref().map(HealthControl::service)
    }

    /// Serves until a [`ServerHandle`] drains or stops it. When it returns, every task of the server has ended.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self) -> Result<DrainReport, ServeError> {
        self.serve_until(pending::<()>()).await
    }

    /// Serves until `signal` fires, then drains with the builder's `drain_timeout`. If the signal can fire again, as
    /// [`terminate`](crate::signal::terminate) can, the second one ends the server at once. A [`ServerHandle`] works
    /// besides it. When it returns, every task of the server has ended.
    ///
    /// # Errors
    /// When the listener breaks; the calls that run then are drained first.
    pub async fn serve_until(self, signal: impl ShutdownSignal) -> Result<DrainReport, ServeError> {
        let mut signal = pin!(signal);
        let mut server = Serving::new(self);
        server.run(signal.as_mut()).await;
        server.finish()
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer").field("incoming", &self.incoming).finish_non_exhaustive()
    }
}

struct Serving {
    /// `None` once no more connections are taken.
    incoming: Option<Box<dyn Incoming>>,
    handler: Box<dyn Handler>,
    admission: Arc<Admission>,
    settings: Arc<ConnectionSettings>,
    health: Option<HealthControl>,
    life: ServerLife,
    wishes: watch::Receiver<Wish>,
    /// Keeps `wishes` open.
    _handle: ServerHandle,
    orders: watch::Sender<Order>,
    connections: JoinSet<Ended>,
    backoff: AcceptBackoff,
    paused_until: Option<Instant>,
    tally: Arc<Tally>,
    answered_before_drain: Option<u64>,
    cut_before_drain: u64,
    report: DrainReport,
    failure: Option<ServeError>,
    clock: Clock,
}

impl Serving {
    fn new(bound: BoundServer) -> Self {
        Self {
            incoming: Some(bound.incoming),
            handler: bound.handler,
            admission: bound.admission,
            settings: bound.settings,
            health: bound.health,
            life: bound.life,
            wishes: bound.wishes,
            _handle: bound.handle,
            orders: watch::Sender::new(Order::Serve),
            connections: JoinSet::new(),
            backoff: AcceptBackoff::new(),
            paused_until: None,
            tally: Arc::default(),
            answered_before_drain: None,
            cut_before_drain: 0,
            report: DrainReport::default(),
            failure: None,
            clock: Clock::start(),
        }
    }

    async fn run<S: ShutdownSignal>(&mut self, mut signal: Pin<&mut S>) {
        let mut signal_is_over = false;
        // A wish made before we served counts.
        self.wishes.mark_changed();
        while !self.life.is_ended() {
            tokio::select! {
                accepted = accept(&mut self.incoming, self.paused_until) => self.on_accepted(accepted),
                Some(ended) = self.connections.join_next() => self.on_connection_ended(ended),
                () = poll_fn(|cx| signal.as_mut().poll_signal(cx)), if !signal_is_over => {
                    signal_is_over = !signal.fires_again();
                    let actions = self.life.on_signal(self.clock.now());
                    self.act(actions);
                }
                Ok(()) = self.wishes.changed() => self.on_wish(),
                () = self.clock.sleep_until(self.life.next_wakeup()) => {
                    let actions = self.life.on_wakeup(self.clock.now(), self.admission.open_calls());
                    self.act(actions);
                }
            }
            if self.connections.is_empty() {
                self.life.on_connections_gone();
            }
        }
    }

    fn finish(mut self) -> Result<DrainReport, ServeError> {
        self.report.calls_served = self.tally.answered();
        self.report.calls_finished =
            self.tally.answered().saturating_sub(self.answered_before_drain.unwrap_or_default());
        self.report.calls_cut = self.tally.cut().saturating_sub(self.cut_before_drain);
        self.tell(&ServerEvent::Ended(self.report));
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.report),
        }
    }

    fn on_accepted(&mut self, accepted: Option<Result<Start, AcceptError>>) {
        self.paused_until = None;
        match accepted {
            Some(Ok(start)) => {
                self.backoff.on_accepted();
                self.connections.spawn(start(Environment {
                    handler: self.handler.boxed_clone(),
                    settings: self.settings.clone(),
                    orders: self.orders.subscribe(),
                    tally: self.tally.clone(),
                    admission: self.admission.clone(),
                }));
            }
            Some(Err(AcceptError::Own(error))) => {
                tracing::debug!(error, "a connection failed before it began")
            }
            Some(Err(AcceptError::Temporary(error))) => {
                let pause = self.backoff.on_error();
                let error = error.to_string().into();
                self.tell(&ServerEvent::AcceptFailed(AcceptFailed { error, pause }));
                self.paused_until = Some(Instant::now() + pause);
            }
            Some(Err(AcceptError::Permanent(source))) => {
                let address = self.incoming.take().map(|incoming| incoming.name()).unwrap_or_default();
                self.failure = Some(ServeError::Accept { address, source });
                let actions = self.life.on_listener_broken(self.clock.now());
                self.act(actions);
            }
            // The program's own stream is over: what is connected is served on.
            None => self.incoming = None,
        }
    }

    fn on_connection_ended(&mut self, ended: Result<Ended, JoinError>) {
        if let Err(error) = &ended {
            tracing::error!(%error, "a connection's task failed; the others go on");
        }
        if self.answered_before_drain.is_some() {
            match ended {
                Ok(Ended::Cut) => self.report.connections_cut += 1,
                _ => self.report.connections_drained += 1,
            }
        }
    }

    fn tell(&self, event: &ServerEvent) {
        self.settings.observers.tell(event);
    }

    fn on_wish(&mut self) {
        let wish = *self.wishes.borrow_and_update();
        if let Some(deadline) = wish.drain {
            let actions = self.life.on_drain_requested(self.clock.now(), deadline);
            self.act(actions);
        }
        if wish.stop {
            let actions = self.life.on_stop_requested();
            self.act(actions);
        }
    }

    fn act(&mut self, actions: Vec<ServerAction>) {
        for action in actions {
            self.tell(&ServerEvent::Shutdown(match action {
                ServerAction::ReportNotServing => ShutdownStep::NotServing,
                ServerAction::DrainConnections => ShutdownStep::Draining,
                ServerAction::CutConnections => ShutdownStep::Cutting,
            }));
            match action {
                ServerAction::ReportNotServing => {
                    self.answered_before_drain = Some(self.tally.answered());
                    self.cut_before_drain = self.tally.cut();
                    if let Some(health) = &self.health {
                        health.report_not_serving();
                    }
                }
                ServerAction::DrainConnections => {
                    self.incoming = None;
                    if let Some(health) = &self.health {
                        health.end_watches();
                    }
                    self.orders.send_replace(Order::Drain);
                }
                ServerAction::CutConnections => {
                    self.incoming = None;
                    self.orders.send_replace(Order::Cut);
                }
            }
        }
    }
}

/// The next connection; never completes while there is nowhere to take one from.
async fn accept(
    incoming: &mut Option<Box<dyn Incoming>>,
    paused_until: Option<Instant>,
) -> Option<Result<Start, AcceptError>> {
    if let Some(until) = paused_until {
        sleep_until(until).await;
    }
    match incoming {
        Some(incoming) => poll_fn(|cx| incoming.poll_accept(cx)).await,
        None => pending().await,
    }
}

//! One connection: its HTTP/2, its calls, its life.

use std::any::Any;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use evenkeel_core::serve::{ConnectionAction, ConnectionLife, ConnectionLimits, CutReason};
use evenkeel_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::admission::{Admission, deadline_of};
use super::handler::Handler;
use super::order::{Ended, HANDSHAKE_IN_DRAIN, LINGER, Order};
use super::tally::{CallGuard, Tally};
use super::timer::Timer;
#[cfg(feature = "tls")]
use super::tls;
use crate::clock::Clock;
use crate::http2::server::{
    ConnectionEvent, Http2Settings, IncomingCall, ServerConnection, TimeLimits, answer,
};
use crate::observe::{CloseReason, ServerConnectionLife, ServerObservers};

/// What a connection needs of its server.
pub(super) struct Environment {
    pub(super) handler: Box<dyn Handler>,
    pub(super) settings: Arc<ConnectionSettings>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) tally: Arc<Tally>,
    pub(super) admission: Arc<Admission>,
}

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct ConnectionSettings {
    pub(super) http2: Http2Settings,
    pub(super) limits: ConnectionLimits,
    pub(super) handshake_timeout: Duration,
    /// How long a handler may take until its response begins.
    pub(super) call_timeout: Option<Duration>,
    pub(super) observers: Arc<ServerObservers>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
}

/// Runs a connection to its end.
pub(super) async fn run<IO>(io: IO, environment: Environment) -> Ended
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let clock = Clock::start();
    // TLS handshakes are connections, too: a limit that begins behind them is none.
    let info = io.connect_info();
    let mut told = ServerConnectionLife::begin(peer_of(&info), Arc::clone(&environment.settings.observers));
    let Some(_admitted) = environment.admission.connection() else {
        told.ends(CloseReason::Refused, None);
        return Ended::ByItself;
    };
    #[cfg(feature = "tls")]
    let mut environment = environment;
    #[cfg(feature = "tls")]
    if let Some(config) = environment.settings.tls.clone() {
        let ends = clock.instant(Time::ORIGIN + environment.settings.handshake_timeout);
        return match tls::handshake(io, config, ends, &mut environment.orders).await {
            Ok(stream) => {
                let info = stream.connect_info();
                serve(Box::new(stream) as Box<dyn tls::Plaintext>, info, environment, clock, told).await
            }
            Err((ended, cause)) => {
                let reason = if ended == Ended::Cut { CloseReason::Cut } else { CloseReason::Handshake };
                told.ends(reason, Some(cause));
                ended
            }
        };
    }
    serve(io, info, environment, clock, told).await
}

/// The client's address, if it came over TCP.
fn peer_of(info: &dyn Any) -> Option<SocketAddr> {
    info.downcast_ref::<TcpConnectInfo>()?.remote_addr()
}

/// Runs a connection's HTTP/2 to its end. `clock` started with the connection.
async fn serve<IO, I>(
    io: IO,
    info: I,
    environment: Environment,
    clock: Clock,
    told: ServerConnectionLife,
) -> Ended
where
    IO: AsyncRead + AsyncWrite + Unpin,
    I: Clone + Send + Sync + 'static,
{
    let Environment { handler, settings, mut orders, tally, admission } = environment;
    let http = ServerConnection::new(io, &settings.http2, &admission.memory);
    let mut connection = Connection {
        http,
        admission,
        handshake_ends: Some(Time::ORIGIN + settings.handshake_timeout),
        life: None,
        calls: JoinSet::new(),
        order: Order::Serve,
        info,
        handler,
        settings,
        tally,
        clock,
        told,
    };
    match connection.serve(&orders).await {
        Stop::CutByLife => connection.cut().await,
        Stop::CutByServer => {
            connection.cut().await;
            return Ended::Cut;
        }
        Stop::Closed => {
            let is_finished = tokio::select! {
                () = connection.finish() => true,
                // A server that ends at once waits neither for handlers nor for peers.
                () = wait_for_cut(&mut orders) => false,
            };
            if !is_finished {
                connection.cut().await;
            }
        }
    }
    Ended::ByItself
}

struct Connection<IO, I> {
    http: ServerConnection<IO>,
    /// Until when the client's first SETTINGS frame must come; `None` after it.
    handshake_ends: Option<Time>,
    /// From the client's preface on.
    life: Option<ConnectionLife>,
    calls: JoinSet<()>,
    admission: Arc<Admission>,
    order: Order,
    info: I,
    handler: Box<dyn Handler>,
    settings: Arc<ConnectionSettings>,
    tally: Arc<Tally>,
    clock: Clock,
    told: ServerConnectionLife,
}

/// Why a connection no longer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Closed,
    CutByServer,
    CutByLife,
}

impl<IO, I> Connection<IO, I>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    I: Clone + Send + Sync + 'static,
{
    async fn serve(&mut self, orders: &watch::Receiver<Order>) -> Stop {
        let mut timer = Timer::new(self.clock);
        // All connections of a server share its lock: it is taken for a new order, not for each call.
        let mut next_order = pin!(wait_for_other(orders.clone(), self.order));
        loop {
            let wakeup = self.next_wakeup();
            let stop = tokio::select! {
                event = poll_fn(|cx| self.http.poll_event(cx)) => self.on_event(event),
                Some(_) = self.calls.join_next() => {
                    self.on_call_ended();
                    None
                }
                order = next_order.as_mut() => {
                    next_order.set(wait_for_other(orders.clone(), order));
                    self.on_order(order)
                }
                () = timer.at(wakeup) => self.on_wakeup(),
            };
            if let Some(stop) = stop {
                return stop;
            }
        }
    }

    fn on_event(&mut self, event: ConnectionEvent) -> Option<Stop> {
        match event {
            ConnectionEvent::Opened => return self.on_opened(),
            ConnectionEvent::SettingsReceived => self.handshake_ends = None,
            ConnectionEvent::Call(call) => self.on_call(call),
            ConnectionEvent::SecondGoAwaySent => {
                if let Some(life) = &mut self.life {
                    life.on_second_goaway_sent();
                }
            }
            ConnectionEvent::Flooded(flood) => {
                self.told.ends(CloseReason::Flooded, Some(flood.into()));
                return Some(Stop::CutByLife);
            }
            ConnectionEvent::Closed(cause) => {
                match cause {
                    Some(cause) => self.told.ends(CloseReason::Lost, Some(cause.to_string().into())),
                    None => self.told.ends_in_order(),
                }
                return Some(Stop::Closed);
            }
        }
        None
    }

    fn on_opened(&mut self) -> Option<Stop> {
        self.told.open();
        let mut random = || fastrand::u64(..);
        let mut life = ConnectionLife::new(self.clock.now(), self.settings.limits, &mut random);
        let action = match self.order {
            Order::Serve => None,
            Order::Drain | Order::Cut => life.on_drain_requested(self.clock.now()),
        };
        self.life = Some(life);
        action.and_then(|action| self.act(action))
    }

    fn on_call(&mut self, call: IncomingCall) {
        let IncomingCall { mut request, responder, head_size } = call;
        let guard = CallGuard::new(self.tally.clone());
        let deadline = match deadline_of(&request, head_size, self.settings.http2.max_header_list_size) {
            Ok(deadline) => deadline,
            Err(refusal) => return guard.on_outcome(refusal.send(responder)),
        };
        let Some(admitted) = self.admission.call(head_size, self.calls.len()) else {
            return guard.on_refused(responder);
        };
        request.extensions_mut().insert(self.info.clone());
        if let Some(life) = &mut self.life {
            life.on_stream_opened();
        }
        let handler = self.handler.call(request.map(Body::new));
        let head = self.settings.call_timeout.and_then(|limit| Instant::now().checked_add(limit));
        let limits = TimeLimits { call: deadline, head };
        self.calls.spawn(async move {
            let _admitted = admitted;
            guard.on_outcome(answer(responder, handler, limits).await);
        });
    }

    fn on_call_ended(&mut self) {
        if self.calls.is_empty() {
            self.http.on_no_calls();
        }
        if let Some(life) = &mut self.life {
            life.on_stream_closed(self.clock.now());
        }
    }

    fn on_order(&mut self, order: Order) -> Option<Stop> {
        self.order = order;
        if order == Order::Cut {
            self.told.ends(CloseReason::Cut, None);
            return Some(Stop::CutByServer);
        }
        let now = self.clock.now();
        match &mut self.life {
            Some(life) => life.on_drain_requested(now).and_then(|action| self.act(action)),
            None => {
                self.handshake_ends = self.handshake_ends.map(|ends| ends.min(now + HANDSHAKE_IN_DRAIN));
                None
            }
        }
    }

    fn on_wakeup(&mut self) -> Option<Stop> {
        let now = self.clock.now();
        if self.handshake_ends.is_some_and(|ends| ends <= now) {
            let late = "the client did not finish the HTTP/2 handshake in time";
            self.told.ends(CloseReason::Handshake, Some(late.into()));
            return Some(Stop::CutByLife);
        }
        let action = self.life.as_mut()?.on_wakeup(now)?;
        self.act(action)
    }

    fn next_wakeup(&self) -> Option<Time> {
        let life = self.life.as_ref().and_then(ConnectionLife::next_wakeup);
        [self.handshake_ends, life].into_iter().flatten().min()
    }

    fn act(&mut self, action: ConnectionAction) -> Option<Stop> {
        match action {
            ConnectionAction::SendFirstGoAway(reason) => {
                self.told.told_to_go(reason, self.calls.len());
                self.http.start_graceful_shutdown(reason.debug_text());
                None
            }
            ConnectionAction::HandInAck => {
                self.http.hand_in_shutdown_ack();
                None
            }
            ConnectionAction::CutNow(reason) => {
                self.told.ends(
                    match reason {
                        CutReason::GraceExpired => CloseReason::GraceExpired,
                        CutReason::Stalled => CloseReason::Stalled,
                    },
                    None,
                );
                Some(Stop::CutByLife)
            }
        }
    }

    /// After the last frame. The handlers' streams are gone, and h2 has woken them: they end by themselves, and do not
    /// count as cut.
    async fn finish(&mut self) {
        while self.calls.join_next().await.is_some() {}
        let _ = timeout(LINGER, self.http.linger()).await;
    }

    /// Ends the calls that run. No task survives the connection.
    async fn cut(&mut self) {
        self.told.cuts(self.calls.len());
        self.calls.shutdown().await;
        poll_fn(|cx| {
            self.http.send_what_fits(cx);
            Poll::Ready(())
        })
        .await;
    }
}

/// Waits until the order is another one than `known`. A server that is gone wants everything cut.
async fn wait_for_other(mut orders: watch::Receiver<Order>, known: Order) -> Order {
    orders.wait_for(|order| *order != known).await.map_or(Order::Cut, |order| *order)
}

async fn wait_for_cut(orders: &mut watch::Receiver<Order>) {
    let _ = orders.wait_for(|order| *order == Order::Cut).await;
}

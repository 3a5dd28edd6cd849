//! Everything a program can set about a server.

mod http2;
mod tcp;

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_core::serve::ConnectionLimits;
use http::{Request, Response};
use tonic::body::Body;
use tonic::codegen::StdError as BoxError;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::layer::util::{Identity, Stack};
use tower_service::Service;

use super::added::AddedRoutes;
use super::admission::Limits;
use super::health::HealthService;
use super::listen::TcpOptions;
use super::service::{GrpcService, NoService, SharedSubtypes};
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use crate::http2::server::Http2Settings;
use crate::observe::{ServerObserver, ServerObservers};

/// A gRPC server: begin with [`Server::builder`].
#[derive(Debug)]
pub struct Server;

/// Settings and services of a server to be.
pub struct ServerBuilder<L = Identity> {
    pub(super) layer: L,
    pub(super) services: Services,
    pub(super) settings: Settings,
}

/// What is served.
pub(super) struct Services {
    pub(super) routes: Routes,
    pub(super) subtypes: SharedSubtypes,
    pub(super) names: Vec<&'static str>,
    /// Another server's health, which this one tells.
    pub(super) added_health: Option<HealthService>,
}

/// How it is served.
pub(super) struct Settings {
    pub(super) admission: Limits,
    pub(super) health_service: bool,
    pub(super) limits: ConnectionLimits,
    pub(super) drain_timeout: Duration,
    pub(super) lame_duck: Duration,
    pub(super) handshake_timeout: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) http2: Http2Settings,
    pub(super) tcp: TcpOptions,
    pub(super) observers: ServerObservers,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ServerTls>,
}

impl Server {
    /// A server with every setting at its default and no service but health; at least one has to be added.
    pub fn builder() -> ServerBuilder {
        ServerBuilder { layer: Identity::new(), services: Services::default(), settings: Settings::default() }
    }
}

impl Default for Services {
    fn default() -> Self {
        let subtypes = SharedSubtypes::default();
        Self { routes: no_services(&subtypes), subtypes, names: Vec::new(), added_health: None }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            admission: Limits { max_connections: 10_000, max_calls: 10_000, memory_budget: 32 << 20 },
            health_service: true,
            limits: ConnectionLimits {
                max_age: None,
                max_age_grace: None,
                max_idle: None,
                ack_wait: Duration::from_secs(5),
            },
            drain_timeout: Duration::from_secs(20),
            lame_duck: Duration::ZERO,
            handshake_timeout: Duration::from_secs(120),
            timeout: None,
            http2: Http2Settings {
                stream_window: 1 << 20,
                connection_window: 4 << 20,
                max_concurrent_streams: Some(1_000),
                max_header_list_size: 16 << 10,
                header_table_size: None,
                max_frame_size: None,
            },
            tcp: TcpOptions {
                nodelay: true,
                keepalive: Some(Duration::from_secs(10)),
                keepalive_interval: Some(Duration::from_secs(5)),
                keepalive_retries: Some(3),
                user_timeout: Some(Duration::from_secs(20)),
            },
            observers: ServerObservers::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl<L> ServerBuilder<L> {
    /// How old a connection gets before it is told to go away, so that clients connect anew and spread out over new
    /// pods. Each connection draws its own age, ±10 %. Default: for ever, and so is zero. (gRFC A9)
    #[must_use]
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.settings.limits.max_age = Some(age).filter(|age| !age.is_zero());
        self
    }

    /// How long calls may go on after their connection reached its age, counted from the first GOAWAY; then they are
    /// cut. Default: for ever. (gRFC A9)
    #[must_use]
    pub fn max_connection_age_grace(mut self, grace: Duration) -> Self {
        self.settings.limits.max_age_grace = Some(grace);
        self
    }

    /// How long a connection may be without a call before it is told to go away, counted from its start or its last
    /// call's end. Default: for ever, and so is zero. (gRFC A9)
    #[must_use]
    pub fn max_connection_idle(mut self, idle: Duration) -> Self {
        self.settings.limits.max_idle = Some(idle).filter(|idle| !idle.is_zero());
        self
    }

    /// How long calls may run on when a signal drains the server, counted from the GOAWAY. Default: 20 s, which with 5 s to
    /// spare leaves 5 s of Kubernetes' default 30 s for a preStop sleep. At its end all is over: very many open calls are
    /// cut a little before (100,000: 0.8 s).
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// How long the server goes on accepting, reported as NOT_SERVING, before a drain tells connections to go away.
    /// Comes on top of the drain's deadline. Default: 0.
    #[must_use]
    pub fn lame_duck(mut self, delay: Duration) -> Self {
        self.settings.lame_duck = delay;
        self
    }

    /// Speaks TLS on every connection, the program's own too. Default: plain text.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    /// How long a client may take from the TCP connection, through TLS, to its first SETTINGS frame. Default: 120 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake_timeout = timeout;
        self
    }

    /// How long any call may take until its answer begins, whatever its `grpc-timeout` says; it then ends with
    /// DEADLINE_EXCEEDED. A unary answer begins when its handler is done; a stream that has begun lives on, until the
    /// client's own deadline. Default: no limit but the client's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Connections that all clients together may have; a further one is closed at once. Default: 10,000.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.admission.max_connections = connections;
        self
    }

    /// Calls that all clients together may have open; further ones are refused unprocessed (REFUSED_STREAM), so that
    /// clients may send them to another server. The last quarter is for connections with fewer than 16. Default: 10,000.
    #[must_use]
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.settings.admission.max_calls = calls;
        self
    }

    /// Bytes that all clients together may make the server hold: calls that wait, with their metadata, header blocks
    /// that have not ended, and windows beyond the 64 KiB that HTTP/2 gives each connection. Calls that it has no room
    /// for are refused unprocessed (REFUSED_STREAM). What handlers keep is not counted. Default: 32 MiB.
    #[must_use]
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.settings.admission.memory_budget = bytes;
        self
    }

    /// A content-subtype of gRPC that the program has a codec for, `json` for `application/grpc+json`. `proto` is always
    /// known; requests with any other are answered with HTTP 415.
    #[must_use]
    pub fn content_subtype(self, subtype: &str) -> Self {
        self.services.subtypes.write().unwrap_or_else(PoisonError::into_inner).0.push(subtype.into());
        self
    }

    /// Whether the standard health service is there: SERVING while the server listens, NOT_SERVING once it drains, for
    /// the server (the empty name) and for every service added, those of [`ServerBuilder::add_routes`] included;
    /// `grpc.health.v1.Health` itself stays SERVING, for liveness probes. It stands outside the layers, and steps aside
    /// for a health service that the program adds. Default: on.
    #[must_use]
    pub fn health_service(mut self, on: bool) -> Self {
        self.settings.health_service = on;
        self
    }

    /// Adds a subscriber to the server's events; there may be several. `tracing` gets them in any case.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn ServerObserver>) -> Self {
        self.settings.observers.add(observer);
        self
    }

    /// Puts a tower layer around all services. The first layer added sees a call first. The built-in health service
    /// stands outside: what a layer demands, a token for example, a probe does not have. A health service that the
    /// program adds of its own is a service like any other.
    #[must_use]
    pub fn layer<N>(self, layer: N) -> ServerBuilder<Stack<N, L>> {
        let Self { layer: inner, services, settings } = self;
        ServerBuilder { layer: Stack::new(layer, inner), services, settings }
    }

    /// Adds a service, as tonic generates it, with or without an interceptor.
    #[must_use]
    pub fn add_service<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.services.names.push(S::NAME);
        if let Some(health) = (&service as &dyn Any).downcast_ref::<HealthService>() {
            self.services.added_health = Some(health.clone());
            return self;
        }
        let subtypes = self.services.subtypes.clone();
        self.services.routes = self.services.routes.add_service(GrpcService { inner: service, subtypes });
        self
    }

    /// Adds routes that were put together elsewhere. What they do with unknown paths holds for the whole server, but that
    /// tonic's own answer to them names the service. Requests that are not gRPC do not reach their services, which are
    /// those whose name has a package and that take all that is below it; other routes get what they get, and gRPC-Web
    /// is let through to whatever layer they have for it. A layer of theirs for further content types belongs into
    /// [`ServerBuilder::layer`]. Their services
    /// are known to the health service as those of [`ServerBuilder::add_service`] are; a route that takes any
    /// path makes every name known.
    #[must_use]
    pub fn add_routes(mut self, routes: Routes) -> Self {
        let around = AddedRoutes::of(&routes, self.services.subtypes.clone());
        let added = self.services.routes.into_axum_router().reset_fallback();
        self.services.routes = routes.into_axum_router().layer(around).merge(added).into();
        self
    }

    /// Waits for the PING ACK of a connection's shutdown this long; tests do not have 5 s.
    #[doc(hidden)]
    #[must_use]
    pub fn goaway_ack_wait(mut self, wait: Duration) -> Self {
        self.settings.limits.ack_wait = wait;
        self
    }
}

/// Routes to no service at all.
fn no_services(subtypes: &SharedSubtypes) -> Routes {
    let none = NoService { subtypes: subtypes.clone() };
    Routes::default().into_axum_router().reset_fallback().fallback_service(none).into()
}

impl<L> fmt::Debug for ServerBuilder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("services", &self.services.names)
            .field("limits", &self.settings.limits)
            .field("http2", &self.settings.http2)
            .field("tcp", &self.settings.tcp)
            .finish_non_exhaustive()
    }
}

//! gRPC load balancing for Rust services on Kubernetes, without a proxy.
//!
//! gRPC sends all calls of a client over one HTTP/2 connection, and a ClusterIP Service balances connections: all calls
//! stick to one pod. A [`Channel`] resolves a *headless* Service instead, holds a connection to every ready pod, and
//! spreads calls by `round_robin`. It finds new pods when DNS' TTL ends, picks only pods that it has a connection to, and
//! loses no call when a server says GOAWAY. A [`Server`] ends connections as gRPC means it, at an age or when they are idle, and drains.
//! Either half works without the other.
//!
//! # The client
//!
//! A [`Channel`] goes wherever tonic's generated code takes a channel.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use evenkeel_testkit::school::{GetSchoolRequest, school_client::SchoolClient};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let channel = evenkeel::Channel::builder("dns:///school-internal-headless:50051").build()?;
//! let mut school = SchoolClient::new(channel.clone());
//! let mut request = tonic::Request::new(GetSchoolRequest { id: 7 });
//! request.set_timeout(Duration::from_secs(1));
//! request.extensions_mut().insert(evenkeel::CallOptions::new().wait_for_ready(true));
//! let response = school.get_school(request).await?;
//! let pod = response.extensions().get::<evenkeel::Peer>();
//! # drop(pod);
//! # Ok(())
//! # }
//! ```
//!
//! # The server
//!
//! Any tonic service, on connections that age, with a drain that ends in a report.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use evenkeel_testkit::school::school_server::{School, SchoolServer};
//! # use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse};
//! # struct MySchool;
//! # #[tonic::async_trait]
//! # impl School for MySchool {
//! #     async fn get_school(
//! #         &self,
//! #         _: tonic::Request<GetSchoolRequest>,
//! #     ) -> Result<tonic::Response<GetSchoolResponse>, tonic::Status> {
//! #         Ok(tonic::Response::new(GetSchoolResponse::default()))
//! #     }
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = evenkeel::Server::builder()
//!     .max_connection_age(Duration::from_secs(300))
//!     .max_connection_age_grace(Duration::from_secs(30))
//!     .add_service(SchoolServer::new(MySchool))
//!     .bind("[::]:50051")
//!     .await?;
//! let report = server.serve_until(evenkeel::signal::terminate()).await?;
//! # drop(report);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! - What can be set: [`ChannelBuilder`], [`ServerBuilder`], for one call [`CallOptions`]; TLS by [`ClientTls`] and
//!   [`ServerTls`] (feature `tls`).
//! - Where backends come from: [`ChannelBuilder::refresh`] for `dns:`, [`Manual`] for a list of the program's own, the
//!   traits in [`resolve`] for anything else. [`ChannelBuilder::resolve`] resolves without connecting.
//! - What happens: [`Peer`] on each response, [`Channel::connections`], [`Event`] for an [`Observer`], and `tracing`.
//! - Unit tests: [`testing::in_memory`] is a channel to a server in the same process, without sockets.
//! - How it ends: [`Channel::close`], [`ServerHandle::drain`], [`DrainReport`].
//!
//! # Features
//!
//! `dns` (default) is the `dns:` resolver, `tls` (default) is TLS by rustls, `unstable` exports what has not proven itself:
//! policies of one's own.

mod client;
mod clock;
mod http2;
mod observe;
mod server;
pub mod signal;
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;

#[cfg(feature = "tls")]
pub use client::ClientTls;
pub use client::{
    BuildError, CallOptions, Channel, ChannelBuilder, ConnectError, ConnectRequest, ConnectionInfo,
    Connector, Io, Manual, Peer, Refresh, Resolution, ResponseBody, ResponseFuture, TcpOptions,
};
pub use evenkeel_core::attributes::Attributes;
pub use evenkeel_core::backoff::Backoff;
#[cfg(feature = "unstable")]
pub use evenkeel_core::call::{InvalidRetry, RetryPolicy, RetryThrottling};
pub use evenkeel_core::cause::{Cause, CauseKind};
pub use evenkeel_core::code::Code;
pub use evenkeel_core::endpoint::{Address, Endpoint};
pub use evenkeel_core::event::Event;
pub use evenkeel_core::serve::DrainReason;
pub use evenkeel_core::state::ConnectivityState;
pub use evenkeel_core::target::{Target, TargetError};
pub use observe::{AttemptStart, CallEnd, CallStart, CallTracer, Observer, ServerEvent, ServerObserver};
#[cfg(feature = "tls")]
pub use server::ServerTls;
pub use server::{
    BindError, BoundServer, DrainReport, HealthService, ServeError, Server, ServerBuilder, ServerHandle,
    ServerLayer,
};

/// What an [`Event`] of a channel and a [`ServerEvent`] of a server say. All have constructors, for tests of observers.
pub mod event {
    pub use crate::observe::{
        AcceptFailed, AcceptedConnection, CloseReason, ClosedConnection, ConnectionToldToGo, ShutdownStep,
    };
    pub use evenkeel_core::event::{
        ChannelStateChanged, ConnectionKey, ConnectionRef, Disconnected, DnsAnswer, DnsQuery, DnsTransport,
        GoAway, RefreshRequested, ResolutionFailed, Resolved, SubchannelKey, SubchannelStateChanged,
        Suspected, UpdateRejected,
    };
}

/// Load-balancing policies: which backend takes the next call.
///
/// Policies of one's own need the feature `unstable`: implement `Policy`, `PolicyConfig` and, to choose it by a name,
/// `PolicyFactory`.
pub mod balance {
    #[cfg(feature = "unstable")]
    pub use evenkeel_core::balance::{
        CallInfo, Controller, Feedback, GracefulSwitch, Headers, Outcome, Pick, PickFailure, PickFirst,
        Picked, Picker, Policy, PolicyConfig, PolicyFactory, PolicyUpdate, Published, Registry, Rejected,
        SubchannelId, SubchannelUpdate, Track, WakeToken, Wrap, Wrapper,
    };
    pub use evenkeel_core::balance::{
        LeastRequestConfig, PickFirstConfig, PolicyChoice, RoundRobinConfig, UnknownPolicy,
    };
    #[cfg(feature = "unstable")]
    pub use evenkeel_core::{random::Random, time::Time};
}

/// Name resolution. Resolvers of one's own: implement [`ResolverFactory`](resolve::ResolverFactory) and register it on the builder.
pub mod resolve {
    pub use crate::client::resolve::{
        Absence, BoxFuture, RefreshRequest, ResolveContext, Resolver, ResolverFactory, Unlisted, Update,
        Updates, Urgency, Verdict,
    };
    #[cfg(all(feature = "dns", feature = "unstable"))]
    pub use crate::client::resolve::{Dns, DnsSockets};
}

//! gRPC load balancing for Rust services on Kubernetes, without a proxy.

mod client;
mod http2;
mod observe;
mod server;
pub mod signal;
#[cfg(feature = "tls")]
pub mod tls;

#[cfg(feature = "tls")]
pub use client::ClientTls;
pub use client::{
    BuildError, CallOptions, Channel, ChannelBuilder, ConnectError, Connector, Io, Manual, Peer, Refresh,
    ResponseBody, ResponseFuture, TcpOptions,
};
pub use evenkeel_core::backoff::Backoff;
pub use evenkeel_core::endpoint::{Address, Endpoint};
pub use evenkeel_core::state::ConnectivityState;
pub use evenkeel_core::target::{Target, TargetError};
pub use observe::{Event, Observer};
#[cfg(feature = "tls")]
pub use server::ServerTls;
pub use server::{
    BindError, BoundServer, DrainReport, ServeError, Server, ServerBuilder, ServerHandle, ServerLayer,
};

/// Load-balancing policies: which backend takes the next call.
///
/// Policies of one's own need the feature `unstable`: implement `Policy`, `PolicyConfig` and, to choose it by a name,
/// `PolicyFactory`.
pub mod balance {
    #[cfg(feature = "unstable")]
    pub use evenkeel_core::balance::{
        CallInfo, Controller, GracefulSwitch, Pick, PickFailure, PickFirst, Picker, Policy, PolicyConfig,
        PolicyFactory, QueuePicker, Registry, RoundRobin, SubchannelId, SubchannelUpdate,
    };
    pub use evenkeel_core::balance::{PickFirstConfig, PolicyChoice, RoundRobinConfig, UnknownPolicy};
    #[cfg(feature = "unstable")]
    pub use evenkeel_core::{random::Random, time::Time};
}

/// Resolvers of one's own: implement [`ResolverFactory`](resolve::ResolverFactory) and register it on the builder.
pub mod resolve {
    pub use crate::client::resolve::{
        Answer, BoxFuture, RefreshRequest, ResolveContext, Resolver, ResolverFactory, Updates,
    };
    #[cfg(all(feature = "dns", feature = "unstable"))]
    pub use crate::client::resolve::{Dns, DnsSockets};
}

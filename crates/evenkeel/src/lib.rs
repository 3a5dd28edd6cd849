//! gRPC load balancing for Rust services on Kubernetes, without a proxy.

mod client;
mod http2;
mod observe;
mod server;
pub mod signal;

pub use client::{
    BuildError, CallOptions, Channel, ChannelBuilder, ConnectError, Connector, Io, Manual, Peer, Refresh,
    ResponseBody, ResponseFuture, TcpOptions,
};
pub use evenkeel_core::backoff::Backoff;
pub use evenkeel_core::endpoint::{Address, Endpoint};
pub use evenkeel_core::state::ConnectivityState;
pub use evenkeel_core::target::{Target, TargetError};
pub use observe::{Event, Observer};
pub use server::{
    BindError, BoundServer, DrainReport, ServeError, Server, ServerBuilder, ServerHandle, ServerLayer,
};

/// Resolvers of one's own: implement [`ResolverFactory`](resolve::ResolverFactory) and register it on the builder.
pub mod resolve {
    pub use crate::client::resolve::{
        Answer, BoxFuture, RefreshRequest, ResolveContext, Resolver, ResolverFactory, Updates,
    };
}

//! The client side: a channel, its resolvers, its connections, its calls.

mod builder;
mod call;
mod channel;
mod config;
mod connect;
mod connection_info;
mod driver;
mod error;
mod inner;
mod manual;
mod peer;
mod resolution;
pub(crate) mod resolve;
mod shared;
mod subchannel;

pub use builder::ChannelBuilder;
pub use call::{CallOptions, ResponseBody, ResponseFuture};
pub use channel::Channel;
#[cfg(feature = "tls")]
pub use connect::ClientTls;
pub use connect::{ConnectRequest, Connector, Io, TcpOptions};
pub use connection_info::ConnectionInfo;
pub use error::{BuildError, ConnectError};
pub use manual::Manual;
pub use peer::Peer;
pub use resolution::Resolution;
pub use resolve::Refresh;

//! The client side: a channel, its resolvers, its connections, its calls.

mod builder;
mod call;
mod channel;
mod config;
mod connect;
mod driver;
mod error;
mod inner;
mod manual;
mod options;
mod resolution;
pub(crate) mod resolve;
mod shared;
mod subchannel;

pub use builder::ChannelBuilder;
pub use call::{ResponseBody, ResponseFuture};
pub use channel::Channel;
#[cfg(feature = "tls")]
pub use connect::ClientTls;
pub use connect::{ConnectRequest, Connector, Io, TcpOptions};
pub use error::{BuildError, ConnectError};
pub use manual::Manual;
pub use options::{CallOptions, ConnectionInfo, Peer, Refresh};
pub use resolution::Resolution;

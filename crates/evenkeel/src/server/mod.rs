//! The server side: listening, connections that end in order, draining.

mod added;
mod admission;
mod bind;
mod builder;
mod connection;
mod error;
mod handler;
mod health;
mod incoming;
mod lifecycle;
mod listen;
mod order;
mod refusal;
mod routed;
mod serve;
mod service;
mod tally;
mod timer;
#[cfg(feature = "tls")]
mod tls;

pub use builder::{Server, ServerBuilder};
pub use error::{BindError, ServeError};
pub use handler::ServerLayer;
pub use health::HealthService;
pub use lifecycle::{DrainReport, ServerHandle};
pub use serve::BoundServer;
#[cfg(feature = "tls")]
pub use tls::ServerTls;

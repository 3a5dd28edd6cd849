//! Decisions of a server: how long a connection lives, how a server ends, when to accept again after an error.

mod accept;
mod connection;
mod rate;
mod shutdown;

pub use accept::AcceptBackoff;
pub use connection::{ConnectionAction, ConnectionLife, ConnectionLimits, CutReason, DrainReason};
pub use rate::{Rate, RateLimit};
pub use shutdown::{ServerAction, ServerLife};

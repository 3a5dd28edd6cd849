//! Is it up? One subchannel's life.

mod liveness;
mod quota;
mod subchannel;

pub use liveness::{Keepalive, Liveness, Seen, Settings as LivenessSettings, Step};
pub use quota::Quota;
pub use subchannel::{Event, Settings, Subchannel, Transition};

//! Is it up? One subchannel's life.

mod subchannel;

pub use subchannel::{Event, Settings, Subchannel, Transition};

//! Name resolution: when to ask again, what to ask for, and what the answers mean.

mod families;
mod hosts;
mod pacer;
mod resolv_conf;
mod search;

pub use families::{FamilyOutcome, Known, NameOutcome, merge};
pub use hosts::addresses_in_hosts;
pub use pacer::{Pacer, RefreshMode};
pub use resolv_conf::ResolvConf;
pub use search::candidates;

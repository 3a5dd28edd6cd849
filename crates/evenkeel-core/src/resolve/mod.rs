//! Name resolution: when to ask again, whom and what to ask for, and what the answers mean.

mod addresses;
mod families;
mod hosts;
mod known;
mod pacer;
mod resolv_conf;
mod round;
mod search;
mod servers;
mod walk;

pub use addresses::Addresses;
pub use families::{Family, FamilyOutcome, Had, NameOutcome, Records, merge};
pub use hosts::addresses_in_hosts;
pub use known::Known;
pub use pacer::{Pacer, RefreshMode, Urgency};
pub use resolv_conf::{Environment, NameServer, ResolvConf};
pub use round::{Round, RoundEnd};
pub use search::{Candidates, candidates};
pub use servers::{BEHIND, Servers, Standing, WITHOUT_EDNS};
pub use walk::{RESOLUTION_DELAY, SILENCE, Verdict, Walk};

//! The engine of `evenkeel load`: calls on one channel, and who answered them.
//!
//! What is wanted is a [`CallPlan`]; [`run()`] follows it, a [`Caller`] makes each call and counts what came of it. A
//! [`Watch`] hears meanwhile what happens to the channel. What tables and documents are made of are the [`Summary`] of the
//! calls, their [`Timeline`], and what was [`Seen`].
//!
//! [`school`] is the service that a load calls when nothing else is said: what `evenkeel serve` offers.
//!
//! The `evenkeel` command is made of this crate, which by itself promises no stable API.

mod caller;
mod connect;
mod counts;
mod failures;
mod histogram;
mod pace;
mod plan;
mod run;
pub mod school;
mod tally;
mod text;
mod timeline;
mod watch;

pub use caller::Caller;
pub use connect::{Connected, progress, until_connected};
pub use failures::Failures;
pub use plan::{CallPlan, Limit, Pace};
pub use run::{Stop, Stopped, run};
pub use tally::{EndpointSummary, Latencies, Pod, Summary, by_code, share};
pub use text::printable;
pub use timeline::Timeline;
pub use watch::{EventCounts, Happened, Member, Seen, Watch};

//! A load on one channel: what is wanted (`plan`), when calls start (`pace`), one call (`caller`), what came of them (`tally`).

use std::time::Duration;

mod assess;
mod caller;
mod connect;
mod counts;
mod failures;
mod histogram;
mod pace;
mod plan;
mod run;
mod tally;
mod timeline;
mod watch;

pub(crate) use assess::{Finding, assess};
pub(crate) use caller::Caller;
pub(crate) use connect::{Connected, progress, until_connected};
pub(crate) use failures::Failures;
pub(crate) use plan::{CallPlan, Limit, Pace};
pub(crate) use run::{Stop, run};
pub(crate) use tally::{EndpointSummary, Latencies, Pod, Summary, by_code, share};
pub(crate) use timeline::Timeline;
pub(crate) use watch::{Happened, Seen, Watch};

#[cfg(test)]
pub(crate) use watch::Member;

/// How often a live table is drawn anew: fast enough to look alive, slow enough to read.
pub(crate) const REDRAW: Duration = Duration::from_millis(250);

//! A load on one channel: when calls start (`pace`), one call (`caller`), what came of them (`tally`).

use std::time::Duration;

mod caller;
mod histogram;
mod pace;
mod run;
mod tally;

pub(crate) use caller::Caller;
pub(crate) use run::{Stop, run};
pub(crate) use tally::{EndpointSummary, Latencies, Pod, Summary, share};

/// How often a live table is drawn anew: fast enough to look alive, slow enough to read.
pub(crate) const REDRAW: Duration = Duration::from_millis(250);

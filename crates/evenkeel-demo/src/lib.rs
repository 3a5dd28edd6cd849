//! What `evenkeel demo` plays: why calls stick to one pod, what spreads them, and what becomes of calls when pods and DNS
//! fail.
//!
//! What each act shows (`acts`) and is there for (`about`), what must have been `seen` for its claim to hold (`claims`), and
//! how it is played: pods, a client and steady calls (`stage`), who is on it (`cast`), and what happens to them (`plots`).
//! The stage stands in an embedded [`Cluster`]. What came of it is a [`Report`] for each act, and all reports are a
//! [`page()`] for browsers.
//!
//! The `evenkeel` command is made of this crate, which by itself promises no stable API.

mod about;
mod act;
mod acts;
mod cast;
mod claims;
mod cluster;
mod figures;
mod lookups;
mod marks;
mod page;
mod plots;
mod readiness;
mod report;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
mod seen;
mod stage;

pub use about::{About, Role, outcome};
pub use act::{Act, Lane};
pub use acts::{acts, pods_in_all};
pub use cluster::{Cluster, ClusterError};
pub use figures::Figures;
pub use page::page;
pub use report::Report;
pub use seen::{Fate, PodCalls};
pub use stage::{PlayError, Stage};

//! What `evenkeel demo` plays: why calls stick to one pod, what spreads them, and what becomes of calls when pods and DNS
//! fail.
//!
//! What each act shows (`acts`) and is there for (`about`), what must have been seen for its claim to hold (`claims`), and how
//! it is played: pods, a client and steady calls (`stage`), who is on it (`cast`), and what happens to them (`plots`). The
//! stage stands in an embedded cluster (`cluster`). What came of it is a [`Report`] for each act, and all reports are a
//! [`page()`] for browsers.
//!
//! The `evenkeel` command is made of this crate, which by itself promises no stable API.

mod about;
mod acts;
mod cast;
mod claims;
mod cluster;
mod lookups;
mod marks;
mod page;
mod plots;
mod readiness;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
mod stage;

pub use about::{About, Role, outcome};
pub use acts::{Act, Lane, acts, pods_in_all};
pub use claims::{Fate, Figures, PodCalls, Report};
pub use cluster::{Cluster, ClusterError};
pub use page::page;
pub use stage::{PlayError, Stage};

//! evenkeel's real client, server and DNS code in a world of its own, where everything goes wrong that can.
//!
//! A world is made from a seed: some pods behind a headless Service's name, one or two clients that call them in an open
//! loop with deadlines of 1–2 s, a DNS server, a network. For some virtual minutes faults befall it, many at a time;
//! then it is left in peace. Time is tokio's paused clock, so that minutes take a fraction of a second.
//!
//! # What is judged
//!
//! Of each call:
//! - it ends, once, no later than its deadline and 10 ms;
//! - no call is processed twice, and an answer is whole and the call's own;
//! - it ends with OK, UNAVAILABLE or DEADLINE_EXCEEDED and nothing else;
//! - while there is a *steady* pod from its beginning to its end, it does not fail for lack of a pod;
//! - UNAVAILABLE with a pod's name comes only when something befell that pod which cuts connections, so that the call may
//!   have been processed: a kill, a crash, a partition, a reset. A rollout, a drain, an aged connection or a slow network
//!   is no excuse, nor a stopped process where connections do not age; and a call that its server provably never looked
//!   at has none at all;
//! - DEADLINE_EXCEEDED does not come from a steady pod, nor from waiting while there is one;
//! - a wait-for-ready call never hears that there is no pod.
//!
//! Of each 20 s in which a client had 100 answers: every pod that was steady all the while gave one of them. Of each answer of
//! the resolver: DNS once had it, each address family for itself, so that a part of a list is never taken for the list.
//!
//! A pod is *steady* for a client when
//! - nothing has befallen it (or the way to it) since it started or since its last trouble, for 5 s and twice the length of
//!   that trouble, at most 165 s: by then a connect backoff that grew meanwhile (×1.6, ±20 %, cap 120 s, an attempt of
//!   20 s) has ended. Troubles that follow each other within that time count as one;
//! - it is not draining;
//! - for 5 s it has been in the answers that the client's resolver reported. While the last answer is that the name does
//!   not exist, pods that were steady until then stay steady, unless servers end connections by age: then each such
//!   end takes an endpoint away, and nothing is promised.
//!
//! At the end: within 210 s (the sum of the caps of backoff, attempt and refresh) every client has had an answer from
//! every pod; then, over 20 s, no pod's share is further from the mean m than 15 % and three calls (and 5 √m
//! where connections age: each end of one makes a new picker, which begins anywhere); and when everything is
//! stopped, no task and no connection is left.
//!
//! # The same seed, the same world
//!
//! Everything runs on one thread, and every random number comes from the seed. tokio's own (which ready branch of a
//! `select!` runs, in which order watchers wake) can be seeded only under `--cfg tokio_unstable`; the folder of this crate has
//! a cargo configuration for that. Run there, a seed gives the same log, line by line; run from elsewhere, nearly.

mod client;
mod cluster;
mod faults;
mod judge;
mod log;
mod net;
mod report;
mod world;

pub use faults::Fault;
pub use judge::Violation;
pub use log::Line;
pub use report::{Report, story};
pub use world::{Outcome, run, run_sabotaged};

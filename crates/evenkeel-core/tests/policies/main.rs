//! Load-balancing policies in a whole channel, in virtual time. Tests named `pickfirst_…`, `round_robin_…` and
//! `balancer_switch_…` check what gRPC's reference implementation asserts under like names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod graceful_switch;
mod happy_eyeballs;
mod pick_first;
mod properties;

mod round_robin;
mod world;

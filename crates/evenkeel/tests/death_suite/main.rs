//! Pods that die, hang, lie or flood: what the caller gets, after how long, and that the other pods' calls never notice.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod black_holes;
mod broken;
mod cancelled;
mod floods;
mod short_lives;
mod silence;
mod slow_readers;
mod stream_ids;
mod support;
mod world;

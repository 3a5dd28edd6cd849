//! TLS on both sides, against each other, against tonic's own, and against peers that do it wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod certificates;
mod client_auth;
mod hostile;
mod life;
mod peers;
mod settings;
mod support;
mod trust;

//! The server, with tonic's own client and with a client that records every frame.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod abuse;
mod calls;
mod drain;
mod events;
mod failures;
mod goaway;
mod health;
mod listen;
mod openings;
mod pressure;
mod requests;
mod support;
mod writes;

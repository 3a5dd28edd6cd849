//! What the client sends, when it retries, and what a call is told, against a server that obeys the test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod balance;
mod cancel;
mod connect;
mod deadline;
mod flow;
mod goaway;
mod hang;
mod limits;
mod loss;
mod metadata;
mod odd_frames;
mod quiet;
mod ready;
mod request;
mod reset;
mod response;
mod status;
mod support;

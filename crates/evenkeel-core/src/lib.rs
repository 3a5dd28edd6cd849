//! The decisions of evenkeel.
//!
//! Nothing here opens a socket, reads a clock, spawns a task or draws a random number: `now`, randomness and
//! the results of I/O come in as arguments, and actions go out. The `evenkeel` crate does what is decided here
//! and re-exports what its users need; by itself this crate promises no stable API.

pub mod attributes;
pub mod backoff;
pub mod balance;
pub mod call;
pub mod cause;
pub mod channel;
pub mod code;
pub mod connect;
pub mod endpoint;
pub mod event;
pub mod list;
pub mod random;
pub mod resolve;
pub mod serve;
pub mod state;
pub mod target;
pub mod text;
pub mod time;
pub mod update;

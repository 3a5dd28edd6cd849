//! What the demo's cluster and the tests' peers are made of: a TCP forwarder.
//!
//! [`Forwarder`] draws a backend for each connection.
//!
//! `evenkeel-demo` is made of this crate, which by itself promises no stable API.

mod forwarder;

pub use forwarder::Forwarder;

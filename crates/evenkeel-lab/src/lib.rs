//! What the demo's cluster and the tests' peers are made of: a DNS server's messages and sockets, and a TCP
//! forwarder.
//!
//! What [`dns`] answers is its owner's, the deliberate faults too; a [`Forwarder`] draws a backend for each connection.
//!
//! `evenkeel-demo` is made of this crate, which by itself promises no stable API.

pub mod dns;
mod forwarder;

pub use forwarder::Forwarder;

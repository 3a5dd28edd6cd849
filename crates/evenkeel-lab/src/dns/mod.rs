//! A DNS server's messages and sockets; what the names mean is its owner's.
//!
//! A [`Server`] reads each [`Query`], asks its owner, and does the [`Reaction`]. A [`Response`] makes the message.

mod query;
mod response;
mod server;

pub use query::{Query, RecordType, Transport};
pub use response::{NAME_ERROR, REFUSED, Response, SERVER_FAILURE, Soa};
pub use server::{Reaction, Server};

#[cfg(test)]
mod tests;

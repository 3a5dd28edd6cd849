//! The cluster's DNS: bytes (`codec`), what names mean and how old the answer is (`zone`), sockets (`server`).

mod codec;
mod server;
mod zone;

pub(crate) use server::DnsServer;
pub(crate) use zone::{Fault, Zone};

//! The cluster's DNS: what names mean and how old the answer is (`zone`), told to whoever asks (`server`).

mod server;
mod zone;

pub(crate) use server::DnsServer;
pub(crate) use zone::{Fault, Zone};

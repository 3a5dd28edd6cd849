//! A DNS server that says what a zone knows.

use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use evenkeel_lab::dns::{
    NAME_ERROR, Query, REFUSED, Reaction, RecordType, Response, SERVER_FAILURE, Server, Soa,
};

use super::zone::{Answer, Fault, Zone};

/// A running DNS server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct DnsServer {
    server: Server,
    zone: Arc<Mutex<Zone>>,
}

impl DnsServer {
    /// Starts a server for `zone` on `ip`.
    ///
    /// # Errors
    /// When no port of this address is free for both UDP and TCP.
    pub(crate) async fn start(ip: Ipv4Addr, zone: Zone) -> io::Result<Self> {
        let zone = Arc::new(Mutex::new(zone));
        let asked = Arc::clone(&zone);
        let server = Server::start((ip, 0).into(), move |query| ready(react(&query, &asked))).await?;
        Ok(Self { server, zone })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// As [`Zone::set`].
    pub(crate) fn set(&self, name: &str, addresses: Vec<Ipv4Addr>) {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).set(name, addresses);
    }

    /// As [`Zone::set_fault`].
    pub(crate) fn set_fault(&self, name: &str, fault: Option<Fault>) -> u64 {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).set_fault(name, fault)
    }
}

fn react(query: &Query, zone: &Mutex<Zone>) -> Reaction {
    let mut response = Response::to(query);
    response.is_authoritative = true;
    if !query.is_answerable() {
        response.code = REFUSED;
        return Reaction::Message(response.encode(query.limit()));
    }
    let is_for_a = query.record_type == Some(RecordType::A);
    let answer =
        zone.lock().unwrap_or_else(PoisonError::into_inner).answer(&query.name, is_for_a, Instant::now());
    let Some(answer) = answer else { return Reaction::Silence };
    let nothing = |ttl| Some(Soa { zone: "cluster.local".to_owned(), ttl });
    match answer {
        Answer::Addresses { mut addresses, ttl } => {
            // As CoreDNS' loadbalance does: nobody may lean on an order.
            fastrand::shuffle(&mut addresses);
            response.addresses = addresses.into_iter().map(|address| (address.into(), ttl)).collect();
        }
        Answer::NoData { ttl } => response.soa = nothing(ttl),
        Answer::NameError { ttl } => (response.code, response.soa) = (NAME_ERROR, nothing(ttl)),
        Answer::ServerFailure => response.code = SERVER_FAILURE,
    }
    Reaction::Message(response.encode(query.limit()))
}

#[cfg(test)]
mod tests;

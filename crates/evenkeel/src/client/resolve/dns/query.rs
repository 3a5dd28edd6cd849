//! One question to the DNS servers, one server after the other.

use std::fmt;
use std::net::SocketAddr;

use evenkeel_core::resolve::FamilyOutcome;
use tokio::time::Instant;

use super::exchange::{AbsoluteName, Cause, DnsSockets, Found, Question, exchange};
use super::system::Settings;
use crate::observe::{DnsAnswer, DnsQuery, DnsTransport, Event, Observers};

/// Whom one lookup asks, over which sockets, and who hears of it.
#[derive(Debug)]
pub(super) struct Asker<'a, S> {
    pub(super) settings: &'a Settings,
    pub(super) sockets: &'a S,
    pub(super) observers: &'a Observers,
}

/// An address family, by its record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Why one question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error("{family} records of {name} from {server}: {cause}")]
    Asked { name: String, family: Family, server: SocketAddr, cause: Cause },
    /// The host in the target, or a domain of resolv.conf's search list.
    #[error("{name} cannot be asked for: {cause}")]
    BadName { name: String, cause: Cause },
}

impl<S: DnsSockets> Asker<'_, S> {
    /// Asks for the absolute name's records, each server in its turn until one answers.
    ///
    /// A server that keeps silent is asked again, as often as resolv.conf says; one that answers with an error is not.
    pub(super) async fn query(&self, name: &str, family: Family) -> FamilyOutcome<QueryError> {
        let name = match AbsoluteName::parse(name) {
            Ok(name) => name,
            Err(cause) => return FamilyOutcome::Failed(QueryError::BadName { name: name.to_owned(), cause }),
        };
        let mut servers = self.settings.servers.clone();
        let mut last = None;
        for _ in 0..self.settings.conf.attempts {
            let mut silent = Vec::new();
            for server in servers {
                match self.ask(&name, family, server).await {
                    Ok(found) => return found.into(),
                    Err(cause) => {
                        if matches!(cause, Cause::Timeout(_)) {
                            silent.push(server);
                        }
                        last = Some(QueryError::Asked { name: name.to_string(), family, server, cause });
                    }
                }
            }
            servers = silent;
        }
        // There is always a server and an attempt, so there is an error.
        last.map_or(FamilyOutcome::NoData, FamilyOutcome::Failed)
    }

    /// Asks one server, over UDP, and over TCP if the answer is truncated.
    async fn ask(&self, name: &AbsoluteName, family: Family, server: SocketAddr) -> Result<Found, Cause> {
        match self.ask_over(DnsTransport::Udp, name, family, server).await {
            Err(Cause::Truncated) => self.ask_over(DnsTransport::Tcp, name, family, server).await,
            outcome => outcome,
        }
    }

    async fn ask_over(
        &self,
        transport: DnsTransport,
        name: &AbsoluteName,
        family: Family,
        server: SocketAddr,
    ) -> Result<Found, Cause> {
        let started = Instant::now();
        let question = Question { name, family, server, transport, patience: self.settings.conf.timeout };
        let (size, outcome) = exchange(question, self.sockets).await;
        self.observers.tell(&Event::DnsQuery(DnsQuery {
            name: name.to_string(),
            record_type: family.as_str(),
            server,
            transport,
            round_trip: started.elapsed(),
            size,
            answer: answer(&outcome),
        }));
        outcome
    }
}

/// What observers are told.
fn answer(outcome: &Result<Found, Cause>) -> DnsAnswer {
    match outcome {
        Ok(Found::Addresses(addresses, ttl)) => DnsAnswer::addresses(addresses.iter().copied(), *ttl),
        Ok(Found::NoData) => DnsAnswer::NoRecords,
        Ok(Found::NxDomain) => DnsAnswer::NxDomain,
        Err(Cause::Truncated) => DnsAnswer::Truncated,
        Err(Cause::Code(code)) => DnsAnswer::ErrorCode((*code).into()),
        Err(Cause::Timeout(_)) => DnsAnswer::TimedOut,
        Err(cause) => DnsAnswer::Failed(cause.to_string()),
    }
}

impl From<Found> for FamilyOutcome<QueryError> {
    fn from(found: Found) -> Self {
        match found {
            Found::Addresses(addresses, ttl) => Self::Records { addresses, ttl },
            Found::NoData => Self::NoData,
            Found::NxDomain => Self::NxDomain,
        }
    }
}

impl Family {
    fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "A",
            Self::V6 => "AAAA",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

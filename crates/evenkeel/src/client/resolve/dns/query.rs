//! One question to the DNS servers, one server after the other.

use std::fmt;
use std::net::SocketAddr;

use evenkeel_core::resolve::{Family, FamilyOutcome, SILENCE};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::ask::Asker;
use super::exchange::DnsSockets;
use super::message::{AbsoluteName, Cause, Found};

/// Why one question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error("{family} records of {name} {failures}")]
    Asked { name: String, family: Family, failures: Failures },
    /// The host in the target, or a domain of resolv.conf's search list.
    #[error("{name} cannot be asked for: {cause}")]
    BadName { name: String, cause: Cause },
}

/// What each server had to say.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(SocketAddr, Cause)>);

impl<S: DnsSockets> Asker<S> {
    /// Asks for the absolute name's records, each server in its turn until one answers.
    ///
    /// The next one's turn is when one has failed, or has been silent for [`SILENCE`]; the answer of the silent one is
    /// still taken. A server that keeps silent is asked again, as often as resolv.conf says; one that answers with an
    /// error is not.
    pub(super) async fn query(self, name: String, family: Family) -> FamilyOutcome<QueryError> {
        let name = match AbsoluteName::parse(&name) {
            Ok(name) => name,
            Err(cause) => return FamilyOutcome::Failed(QueryError::BadName { name, cause }),
        };
        let mut servers = self.shared.servers().in_order(self.shared.now(), &self.servers, family);
        let mut failures = Failures::default();
        for _ in 0..self.settings.conf.attempts {
            match self.ask_each(&name, family, servers, &mut failures).await {
                Some(found) => return found.into(),
                None => servers = failures.silent(),
            }
            if servers.is_empty() {
                break;
            }
        }
        FamilyOutcome::Failed(QueryError::Asked { name: name.to_string(), family, failures })
    }

    /// Asks each of the servers once.
    async fn ask_each(
        &self,
        name: &AbsoluteName,
        family: Family,
        servers: Vec<SocketAddr>,
        failures: &mut Failures,
    ) -> Option<Found> {
        let mut waiting = servers.into_iter();
        let mut under_way = FuturesUnordered::new();
        let mut last = None;
        loop {
            let is_next_due = last.is_none_or(|(_, asked_at)| asked_at + SILENCE <= Instant::now());
            if is_next_due && let Some(server) = waiting.next() {
                if let Some((silent, _)) = last {
                    self.shared.servers().on_silence(self.shared.now(), silent, family);
                }
                last = Some((server, Instant::now()));
                under_way.push(async move { (server, self.ask(name, family, server).await) });
            }
            let turn = last.filter(|_| waiting.len() > 0).map(|(_, asked_at)| asked_at + SILENCE);
            tokio::select! {
                biased;
                answered = under_way.next() => {
                    let (server, outcome) = answered?;
                    self.on_heard(server, family, &outcome);
                    match outcome {
                        Ok(found) => return Some(found),
                        Err(cause) => failures.add(server, cause),
                    }
                    last = last.filter(|(asked, _)| *asked != server);
                }
                () = sleep_until(turn.unwrap_or_else(Instant::now)), if turn.is_some() => {}
            }
        }
    }

    fn on_heard(&self, server: SocketAddr, family: Family, outcome: &Result<Found, Cause>) {
        let mut servers = self.shared.servers();
        match outcome {
            Err(Cause::Timeout(_) | Cause::Io(_)) => servers.on_silence(self.shared.now(), server, family),
            _ => servers.on_answer(server, family),
        }
    }
}

impl Failures {
    fn add(&mut self, server: SocketAddr, cause: Cause) {
        self.0.retain(|(other, _)| *other != server);
        self.0.push((server, cause));
    }

    fn silent(&self) -> Vec<SocketAddr> {
        let is_silent = |cause: &Cause| matches!(cause, Cause::Timeout(_));
        self.0.iter().filter(|(_, cause)| is_silent(cause)).map(|(server, _)| *server).collect()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (server, cause)) in self.0.iter().enumerate() {
            write!(f, "{}from {server}: {cause}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
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

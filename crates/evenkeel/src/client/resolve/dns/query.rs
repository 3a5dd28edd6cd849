//! One question to the DNS servers, one server after the other.

use std::fmt;
use std::net::SocketAddr;

use evenkeel_core::resolve::{Family, FamilyOutcome, Round, RoundEnd, Standing};
use evenkeel_core::time::Time;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::proto::op::ResponseCode;

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
    /// Whose turn it is and whose answer holds, [`Round`] says. A server that keeps silent, or says SERVFAIL, is asked
    /// again, as often as resolv.conf says; one that answers with another error is not.
    pub(super) async fn query(self, name: String, family: Family) -> FamilyOutcome<QueryError> {
        let name = match AbsoluteName::parse(&name) {
            Ok(name) => name,
            Err(cause) => return FamilyOutcome::Failed(QueryError::BadName { name, cause }),
        };
        let mut servers = self.servers.clone();
        let mut failures = Failures::default();
        for _ in 0..self.settings.conf.attempts {
            if let Some(found) = self.ask_each(&name, family, &servers, &mut failures).await {
                return found.into();
            }
            servers.retain(|server| failures.may_do_better(*server));
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
        servers: &[SocketAddr],
        failures: &mut Failures,
    ) -> Option<Found> {
        let mut round = Round::new(self.shared.now(), servers, &self.shared.servers(), family);
        let mut under_way = FuturesUnordered::new();
        let found = loop {
            let now = self.shared.now();
            while let Some(server) = round.next(now) {
                self.shared.servers().on_asked(now, server, family);
                // Some say it to EDNS.
                let may_have_edns = !failures.is_servfail(server);
                under_way
                    .push(async move { (server, now, self.ask(name, family, server, may_have_edns).await) });
            }
            if let Some(end) = round.end(now) {
                break end;
            }
            tokio::select! {
                biased;
                Some((server, asked_at, outcome)) = under_way.next() => {
                    self.on_heard(server, family, asked_at, &outcome);
                    match outcome {
                        Ok(found) if found.is_negative() => round.on_negative(server, found),
                        Ok(found) => {
                            self.on_passed_over(&round, family);
                            return Some(found);
                        }
                        Err(cause) => {
                            round.on_failed(server);
                            failures.add(server, cause);
                        }
                    }
                }
                () = self.shared.until(round.next_wakeup()) => {}
            }
        };
        self.on_passed_over(&round, family);
        match found {
            RoundEnd::Negative(found) => Some(found),
            RoundEnd::Failed => None,
        }
    }

    fn on_heard(&self, server: SocketAddr, family: Family, asked_at: Time, outcome: &Result<Found, Cause>) {
        let now = self.shared.now();
        let mut servers = self.shared.servers();
        match outcome {
            Err(Cause::Timeout(_) | Cause::Io(_)) => servers.on_silence(now, server, family, asked_at),
            _ => servers.on_answer(now, server, family),
        }
    }

    /// The round ends while some are still silent.
    fn on_passed_over(&self, round: &Round<Found>, family: Family) {
        let now = self.shared.now();
        let mut servers = self.shared.servers();
        for (server, asked_at) in round.silent(now) {
            match servers.standing(now, server, family) {
                Standing::Ahead => {
                    servers.on_passed_over(now, server, family, self.settings.conf.timeout);
                }
                Standing::Behind | Standing::GivenUp => servers.on_given_up(now, server, family, asked_at),
            }
        }
    }
}

impl Failures {
    fn add(&mut self, server: SocketAddr, cause: Cause) {
        self.0.retain(|(other, _)| *other != server);
        self.0.push((server, cause));
    }

    /// Whether the server may have an answer when it is asked again.
    fn may_do_better(&self, server: SocketAddr) -> bool {
        matches!(self.of(server), Some(Cause::Timeout(_))) || self.is_servfail(server)
    }

    fn is_servfail(&self, server: SocketAddr) -> bool {
        matches!(self.of(server), Some(Cause::Code(ResponseCode::ServFail)))
    }

    fn of(&self, server: SocketAddr) -> Option<&Cause> {
        self.0.iter().find(|(other, _)| *other == server).map(|(_, cause)| cause)
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

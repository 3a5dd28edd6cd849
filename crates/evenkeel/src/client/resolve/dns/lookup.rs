//! One lookup: the hosts file, then the walk through the names that the host may stand for.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use evenkeel_core::resolve::{NameOutcome, candidates, merge};

use super::exchange::DnsSockets;
use super::query::{Asker, Family, QueryError};
use super::system::{SettingsError, System};
use crate::observe::Observers;

/// What is looked up, and where.
#[derive(Debug)]
pub(super) struct Lookup<S> {
    host: String,
    /// The one that the target names; otherwise resolv.conf's are asked.
    server: Option<SocketAddr>,
    system: System,
    sockets: S,
}

/// What a lookup led to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A name has addresses; see [`NameOutcome::Found`].
    Found {
        name: String,
        v4: Option<Vec<IpAddr>>,
        v6: Option<Vec<IpAddr>>,
        /// None for what the hosts file says.
        ttl: Option<Duration>,
        failure: Option<QueryError>,
    },
    /// No name has.
    Absent { names: Vec<String>, servers: Vec<SocketAddr> },
    /// It could not be learnt.
    Failed(LookupError),
}

/// Why a lookup learnt nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl<S: DnsSockets> Lookup<S> {
    pub(super) fn new(host: String, server: Option<SocketAddr>, system: System, sockets: S) -> Self {
        Self { host, server, system, sockets }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Looks the host up. `winner`: the absolute name that had addresses last. `observers` hear of each question.
    pub(super) async fn run(&self, winner: Option<&str>, observers: &Observers) -> Outcome {
        // Whoever names a server wants its answer.
        if self.server.is_none()
            && let Some(found) = self.in_hosts()
        {
            return found;
        }
        let settings = match self.system.settings(self.server) {
            Ok(settings) => settings,
            Err(error) => return Outcome::Failed(error.into()),
        };
        let names = candidates(&self.host, settings.conf.ndots, &settings.conf.search, winner);
        let asker = Asker { settings: &settings, sockets: &self.sockets, observers };
        for name in &names {
            let (a, aaaa) = tokio::join!(asker.query(name, Family::V4), asker.query(name, Family::V6));
            match merge(a, aaaa) {
                NameOutcome::Found { v4, v6, ttl, failure } => {
                    return Outcome::Found { name: name.clone(), v4, v6, ttl: Some(ttl), failure };
                }
                // Going on would end in the NXDOMAIN of a name that nobody means.
                NameOutcome::Failed(error) => return Outcome::Failed(error.into()),
                NameOutcome::Absent => {}
            }
        }
        Outcome::Absent { names, servers: settings.servers }
    }

    fn in_hosts(&self) -> Option<Outcome> {
        let (v4, v6): (Vec<_>, Vec<_>) = self.system.hosts(&self.host).into_iter().partition(IpAddr::is_ipv4);
        let is_known = !(v4.is_empty() && v6.is_empty());
        is_known.then(|| Outcome::Found {
            name: self.host.clone(),
            v4: Some(v4),
            v6: Some(v6),
            ttl: None,
            failure: None,
        })
    }
}

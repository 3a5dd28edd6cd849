//! One lookup: the hosts file, then the walk through the names that the host may stand for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::resolve::{
    Addresses, Candidates, Family, FamilyOutcome, Known, Records, Verdict, Walk, candidates,
};

use super::ask::{Asker, Shared};
use super::exchange::DnsSockets;
use super::failure::{LookupError, absence};
use super::query::QueryError;
use super::questions::{Answered, Questions};
use super::system::{Settings, System};
use super::told::Told;
use crate::observe::Observers;

/// How many of the addresses that are left out a warning lists.
const MOST_LISTED: usize = 8;

/// What is looked up, and where.
#[derive(Debug)]
pub(super) struct Lookup<S> {
    host: String,
    /// The one that the target names; otherwise resolv.conf's are asked.
    server: Option<SocketAddr>,
    system: System,
    delay: Duration,
    shared: Arc<Shared<S>>,
    /// Those of the lookup under way, or what the one before left open.
    questions: Questions,
    /// By which the open questions were put.
    settings: Option<Arc<Settings>>,
    count: usize,
    told: Told,
}

/// What a lookup led to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A name has addresses.
    Found {
        name: String,
        records: Records<QueryError>,
        /// Whether what the records say holds for some time, which the hosts file does not tell.
        has_ttl: bool,
    },
    /// No name has, and in words.
    Absent(String),
    /// It could not be learnt.
    Failed(LookupError),
}

impl<S: DnsSockets> Lookup<S> {
    /// `delay`: [`evenkeel_core::resolve::RESOLUTION_DELAY`].
    pub(super) fn new(
        host: String,
        server: Option<SocketAddr>,
        system: System,
        sockets: S,
        delay: Duration,
    ) -> Self {
        Self {
            host,
            server,
            system,
            delay,
            shared: Arc::new(Shared::new(sockets)),
            questions: Questions::default(),
            settings: None,
            count: 0,
            told: Told::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Looks the host up for a resolver that knows `known`. `observers` hear of each question.
    pub(super) async fn run(&mut self, known: &Known, observers: &Observers) -> Outcome {
        // Whoever names a server wants its answer.
        if self.server.is_none()
            && let Some(found) = self.in_hosts()
        {
            self.questions.clear();
            return found;
        }
        let asker = self.begin(observers);
        let Candidates { names, refused } = candidates(&self.host, &asker.settings.conf);
        for (domain, reason) in refused {
            let text = format!("the search list's domain `{domain}` is passed over: {reason}");
            self.told.warn(&self.host, text);
        }
        let mut walk = Walk::new(names, known, self.delay);
        let verdict = loop {
            let now = self.shared.now();
            for name in walk.next_names(now) {
                self.ask(&asker, &name, &mut walk);
            }
            if let Some(verdict) = walk.verdict(now) {
                break verdict;
            }
            let wakeup = walk.next_wakeup();
            tokio::select! {
                biased;
                answered = self.questions.next() => {
                    let Answered { name, family, outcome } = self.sift(answered);
                    walk.on_outcome(self.shared.now(), &name, family, outcome);
                }
                () = self.shared.until(wakeup) => {}
            }
        };
        self.conclude(verdict, &asker)
    }

    /// Waits for what the last lookup left open; for ever if that is nothing. Cancel-safe.
    pub(super) async fn late(&mut self) -> Answered {
        let answered = self.questions.next().await;
        self.sift(answered)
    }

    fn begin(&mut self, observers: &Observers) -> Asker<S> {
        let settings = Arc::new(self.system.settings(self.server));
        for text in &settings.warnings {
            self.told.warn(&self.host, text.clone());
        }
        if self.settings.as_ref().is_some_and(|before| *before != settings) {
            self.questions.clear();
        }
        self.settings = Some(Arc::clone(&settings));
        let mut servers = settings.servers.clone();
        if settings.conf.rotate {
            let first = self.count % servers.len().max(1);
            servers.rotate_left(first);
        }
        self.count = self.count.wrapping_add(1);
        Asker { settings, servers, shared: Arc::clone(&self.shared), observers: observers.clone() }
    }

    fn ask(&mut self, asker: &Asker<S>, name: &str, walk: &mut Walk<QueryError>) {
        for family in Family::BOTH {
            if family == Family::V6 && asker.settings.conf.no_aaaa {
                walk.on_left_out(name, family);
            } else {
                let question = || Box::pin(asker.clone().query(name.to_owned(), family)) as _;
                self.questions.ask(name, family, question);
            }
        }
    }

    fn conclude(&mut self, verdict: Verdict<QueryError>, asker: &Asker<S>) -> Outcome {
        match verdict {
            Verdict::Found { name, records, open } => {
                self.questions.keep_only(&name, open);
                Outcome::Found { name, records, has_ttl: true }
            }
            Verdict::Absent(names) => {
                self.questions.clear();
                Outcome::Absent(absence(&self.host, &names, &asker.settings))
            }
            Verdict::Failed { errors, contradicted, unanswered } => {
                self.questions.clear();
                let note = asker.settings.note.clone();
                Outcome::Failed(LookupError { errors, contradicted, unanswered, note })
            }
        }
    }

    /// Leaves out what nobody can be at.
    fn sift(&mut self, answered: Answered) -> Answered {
        let FamilyOutcome::Records { addresses, ttl } = answered.outcome else { return answered };
        let addresses = self.usable(&answered.name, addresses);
        let outcome = match addresses.is_empty() {
            true => FamilyOutcome::NoData,
            false => FamilyOutcome::Records { addresses, ttl },
        };
        Answered { outcome, ..answered }
    }

    fn usable(&mut self, name: &str, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let Addresses { usable, left_out } = Addresses::of(addresses);
        if let Some(first) = left_out.first() {
            // Not told by the list: a server that draws another one each time would make each lookup say it.
            let family = if first.is_ipv4() { Family::V4 } else { Family::V6 };
            let fault = format!("addresses left out: {family} of {name}");
            let listed: Vec<_> = left_out.iter().take(MOST_LISTED).map(IpAddr::to_string).collect();
            let listed = listed.join(", ");
            let more = match left_out.len().saturating_sub(MOST_LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let text = format!("{name} has addresses that nobody can be at, left out: {listed}{more}");
            self.told.warn_of(&self.host, fault, text);
        }
        usable
    }

    fn in_hosts(&mut self) -> Option<Outcome> {
        let (addresses, warning) = self.system.hosts(&self.host);
        if let Some(text) = warning {
            self.told.warn(&self.host, text);
        }
        if addresses.is_empty() {
            return None;
        }
        let host = self.host.clone();
        let (v4, v6): (Vec<_>, Vec<_>) = self.usable(&host, addresses).into_iter().partition(IpAddr::is_ipv4);
        if v4.is_empty() && v6.is_empty() {
            let path = self.system.hosts.display();
            return Some(Outcome::Absent(format!("{path} gives {host} no address that anybody can be at")));
        }
        let records = Records { v4: Some(v4), v6: Some(v6), ttl: Duration::MAX, failure: None };
        Some(Outcome::Found { name: host, records, has_ttl: false })
    }
}

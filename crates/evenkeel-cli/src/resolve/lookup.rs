//! Asking: the channel's own resolver, without a channel.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel::event::{DnsAnswer, DnsQuery};
use evenkeel::resolve::{Absence, Update};
use evenkeel::{BuildError, Channel, Event, Observer, Refresh, Resolution};
use evenkeel_load::printable;

/// One target that is being resolved.
#[derive(Debug)]
pub(crate) struct Lookup {
    target: String,
    resolution: Resolution,
    questions: Arc<Questions>,
}

/// One answer, and how it was come by.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) target: String,
    pub(crate) outcome: Outcome,
    /// After how long a channel would look again by itself.
    pub(crate) next: Option<Duration>,
    /// In the order in which they ended; none for what needs no DNS.
    pub(crate) questions: Vec<DnsQuery>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoints as a channel would list them.
    Endpoints(Vec<String>),
    /// The name has no backend now.
    Absent(String),
    /// Nothing could be learnt.
    Failed(String),
    /// No answer yet: only a table that fills shows it.
    Asking,
}

/// A look at a lookup from outside, while somebody else waits for its answer.
#[derive(Clone, Debug)]
pub(crate) struct Peek {
    target: String,
    questions: Arc<Questions>,
}

/// The questions since somebody last took them.
#[derive(Debug, Default)]
struct Questions(Mutex<Vec<DnsQuery>>);

impl Lookup {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// When the target makes no sense.
    pub(crate) fn new(target: &str, refresh: Refresh) -> Result<Self, BuildError> {
        let questions = Arc::new(Questions::default());
        let observer = Arc::clone(&questions) as Arc<dyn Observer>;
        let resolution = Channel::builder(target).refresh(refresh).observer(observer).resolve()?;
        Ok(Self { target: target.to_owned(), resolution, questions })
    }

    /// For looking at it meanwhile.
    pub(crate) fn peek(&self) -> Peek {
        Peek { target: self.target.clone(), questions: Arc::clone(&self.questions) }
    }

    /// The next answer; `None` when there will be no other. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Found> {
        let Update { endpoints, next, .. } = self.resolution.next().await?;
        let outcome = match endpoints {
            Ok(endpoints) if endpoints.is_empty() => Outcome::Absent("an empty list".to_owned()),
            Ok(endpoints) => Outcome::Endpoints(endpoints.iter().map(ToString::to_string).collect()),
            Err(Absence::Absent(reason)) => Outcome::Absent(printable(&reason)),
            Err(Absence::Failed(reason)) => Outcome::Failed(printable(&reason)),
            // A kind of absence that came after this command was written.
            Err(other) => Outcome::Failed(printable(&other.to_string())),
        };
        let questions = std::mem::take(&mut *self.questions.lock());
        Some(Found { target: self.target.clone(), outcome, next, questions })
    }
}

impl Peek {
    /// The questions that have ended, and no answer.
    pub(crate) fn so_far(&self) -> Found {
        let questions = self.questions.lock().clone();
        Found { target: self.target.clone(), outcome: Outcome::Asking, next: None, questions }
    }
}

impl Found {
    /// What remained of the answer's time to live, if DNS gave it.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        let ttls = self.questions.iter().filter_map(|query| match query.answer {
            DnsAnswer::Addresses { ttl, .. } => Some(ttl),
            _ => None,
        });
        ttls.min()
    }
}

impl Questions {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<DnsQuery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Questions {
    fn on_event(&self, event: &Event) {
        if let Event::DnsQuery(query) = event {
            self.lock().push(query.clone());
        }
    }
}

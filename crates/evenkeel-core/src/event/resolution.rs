//! What a resolver was asked, found or did not find.

use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;

/// The resolver was asked for a fresh answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshRequested {
    /// No endpoint was READY.
    pub urgent: bool,
}

/// The resolver found the backends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// All of them.
    pub endpoints: Arc<[Endpoint]>,
    /// How many are new.
    pub added: usize,
    /// How many left.
    pub removed: usize,
    /// When the resolver looks again by itself: the effective interval.
    pub next: Option<Duration>,
}

/// The resolver found nothing, or could not ask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolutionFailed {
    /// What it said.
    pub error: Arc<str>,
    /// The name has no backend (as opposed to: nobody could be asked).
    pub absent: bool,
    /// When the resolver tries again by itself.
    pub next: Option<Duration>,
}

/// The load-balancing policy cannot go by what the resolver found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateRejected {
    /// What the policy says.
    pub reason: Arc<str>,
}

impl RefreshRequested {
    /// A request, urgent or not.
    pub fn new(urgent: bool) -> Self {
        Self { urgent }
    }
}

impl Resolved {
    /// These endpoints, which are the same as before, from a resolver that does not look again by itself.
    pub fn new(endpoints: impl Into<Arc<[Endpoint]>>) -> Self {
        Self { endpoints: endpoints.into(), added: 0, removed: 0, next: None }
    }

    /// The same, and how many of them are new and how many are gone.
    #[must_use]
    pub fn changed(self, added: usize, removed: usize) -> Self {
        Self { added, removed, ..self }
    }

    /// The same, from a resolver that looks again after `next`.
    #[must_use]
    pub fn again_after(self, next: impl Into<Option<Duration>>) -> Self {
        Self { next: next.into(), ..self }
    }
}

impl ResolutionFailed {
    /// The name has no backend.
    pub fn absent(error: impl Into<Arc<str>>) -> Self {
        Self { error: error.into(), absent: true, next: None }
    }

    /// Nobody could be asked.
    pub fn failed(error: impl Into<Arc<str>>) -> Self {
        Self { error: error.into(), absent: false, next: None }
    }

    /// The same, from a resolver that tries again after `next`.
    #[must_use]
    pub fn again_after(self, next: impl Into<Option<Duration>>) -> Self {
        Self { next: next.into(), ..self }
    }
}

impl UpdateRejected {
    /// For this reason.
    pub fn new(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into() }
    }
}

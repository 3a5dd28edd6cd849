//! What a resolver says at once, and what is answered to it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::attributes::Attributes;
use crate::endpoint::Endpoint;

/// All that a resolver knows at one moment: it replaces what the resolver said before, as a whole (gRFC A74).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// The backends, all of them, or why there are none. An empty list means the same as [`Absence::Absent`].
    pub endpoints: Result<Arc<[Endpoint]>, Absence>,
    /// What becomes of endpoints that were there before and are not now.
    pub unlisted: Unlisted,
    /// Facts that are about no endpoint by itself, for policies.
    pub attributes: Attributes,
    /// A remark for people who look for the reason of a failure. Calls that fail for want of a READY endpoint end with it.
    pub note: Option<Arc<str>>,
    /// After how long the resolver means to look again by itself, if it does.
    pub next: Option<Duration>,
}

/// Why a resolver has no endpoints to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// The name has no backend now: it does not exist, or nothing stands behind it.
    Absent(Arc<str>),
    /// Nothing could be learnt: what is known stays in use.
    Failed(Arc<str>),
}

/// What becomes of endpoints that an update does not name any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unlisted {
    /// They take no new calls; the calls that run on them go on. For a resolver that can be sure.
    #[default]
    Drop,
    /// They stay as long as their connection is READY. For a resolver that may be told too little.
    KeepReady,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The channel goes by it.
    Accepted,
    /// The load-balancing policy cannot go by it, and this is why. A resolver that polls should look again, with backoff.
    Rejected(Arc<str>),
    /// The channel is gone, or wants no resolver any more.
    Gone,
}

impl fmt::Display for Absence {
    /// As failures say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(reason) => f.write_str(reason),
            Self::Failed(reason) => write!(f, "name resolution failed: {reason}"),
        }
    }
}

impl Update {
    /// These backends, all there are.
    pub fn endpoints(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        Self::new(Ok(endpoints.into_iter().collect()))
    }

    /// There is no backend, for this reason.
    pub fn absent(reason: impl Into<Arc<str>>) -> Self {
        Self::new(Err(Absence::Absent(reason.into())))
    }

    /// Nothing could be learnt, for this reason.
    pub fn failed(reason: impl Into<Arc<str>>) -> Self {
        Self::new(Err(Absence::Failed(reason.into())))
    }

    fn new(endpoints: Result<Arc<[Endpoint]>, Absence>) -> Self {
        Self {
            endpoints,
            unlisted: Unlisted::Drop,
            attributes: Attributes::default(),
            note: None,
            next: None,
        }
    }

    /// Endpoints that are not named stay as long as their connection is READY.
    #[must_use]
    pub fn keep_ready(mut self) -> Self {
        self.unlisted = Unlisted::KeepReady;
        self
    }

    /// Adds a fact for policies. One of the same type that was there before goes.
    #[must_use]
    pub fn with_attribute<T: Any + fmt::Debug + Send + Sync + PartialEq>(mut self, value: T) -> Self {
        self.attributes = self.attributes.with(value);
        self
    }

    /// With this remark.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Arc<str>>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The resolver means to look again after this long.
    #[must_use]
    pub fn with_next(mut self, next: Option<Duration>) -> Self {
        self.next = next;
        self
    }

    /// Whether it says nothing about the backends.
    pub fn is_failure(&self) -> bool {
        matches!(self.endpoints, Err(Absence::Failed(_)))
    }
}

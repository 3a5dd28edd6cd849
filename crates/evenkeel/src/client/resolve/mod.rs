//! Name resolution: the contract between a channel and whatever finds its endpoints.

#[cfg(feature = "dns")]
#[cfg_attr(not(feature = "unstable"), allow(unreachable_pub, reason = "exported by that feature"))]
mod dns;
mod fixed;
mod ip_list;
mod line;
#[cfg(not(feature = "dns"))]
mod no_dns;
mod passthrough;
mod refresh;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unix;

#[cfg(all(feature = "dns", feature = "unstable"))]
pub use dns::{Dns, DnsSockets};
pub(crate) use line::{Line, Reply, Report};
pub use refresh::Refresh;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use evenkeel_core::resolve::Urgency;
use evenkeel_core::target::{Target, TargetError};
pub use evenkeel_core::update::{Absence, Unlisted, Update, Verdict};
use tokio::sync::watch;

use crate::observe::Observers;
use line::Reports;

/// A boxed future, as [`Resolver::run`] returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes resolvers for one URI scheme.
pub trait ResolverFactory: Send + Sync + 'static {
    /// The scheme in lower case, for example `dns`.
    fn scheme(&self) -> &str;

    /// Makes the resolver of one channel. No I/O happens here: that is [`Resolver::run`]'s.
    ///
    /// # Errors
    /// When the target makes no sense in this scheme; the error names the part at fault.
    fn build(&self, target: &Target, context: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError>;

    /// The `:authority` of calls, when it is not the target's endpoint (gRPC naming).
    fn default_authority(&self, target: &Target) -> Option<String> {
        let _ = target;
        None
    }
}

/// The name resolution of one channel.
pub trait Resolver: Send + 'static {
    /// Finds endpoints and reports them until the channel is gone.
    ///
    /// Runs as a task of its own, which the channel aborts when it closes or goes idle; dropping the future must
    /// stop all work. A resolver whose answer never changes may return: what it reported stays.
    fn run(self: Box<Self>, updates: Updates) -> BoxFuture<'static, ()>;
}

/// What a channel tells its resolver when it is built.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResolveContext {
    /// When to look names up again.
    pub refresh: Refresh,
}

impl ResolveContext {
    /// With this setting of the channel's builder, and all others as they are by default.
    pub fn new(refresh: Refresh) -> Self {
        Self { refresh }
    }
}

/// A resolver's line to its channel.
#[derive(Debug)]
pub struct Updates {
    reports: Reports,
    requests: watch::Receiver<RefreshState>,
    seen: RefreshState,
    name: Arc<str>,
    #[cfg_attr(not(feature = "dns"), allow(dead_code, reason = "only `dns:` tells of its steps"))]
    observers: Observers,
}

/// How pressing the channel's wish for a fresh answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshRequest {
    /// Whether a resolver may take its time.
    pub urgency: Urgency,
}

/// How many requests there were: those that a resolver has not seen yet count as one, as pressing as the most pressing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RefreshState {
    count: u64,
    urgent: u64,
    at_once: u64,
}

impl RefreshState {
    fn request(&mut self, urgency: Urgency) {
        self.count += 1;
        self.urgent += u64::from(urgency == Urgency::Urgent);
        self.at_once += u64::from(urgency == Urgency::AtOnce);
    }

    fn since(self, seen: Self) -> Option<Urgency> {
        match self.count != seen.count {
            true if self.at_once != seen.at_once => Some(Urgency::AtOnce),
            true if self.urgent != seen.urgent => Some(Urgency::Urgent),
            true => Some(Urgency::Calm),
            false => None,
        }
    }
}

/// The resolvers that every channel has, unless its builder was given another one for the scheme.
///
/// `manual` is not among them: the program has to hold the [`Manual`](super::Manual) that it registers.
pub(crate) fn built_in() -> Vec<Arc<dyn ResolverFactory>> {
    vec![
        #[cfg(feature = "dns")]
        Arc::new(<dns::Dns>::default()),
        #[cfg(not(feature = "dns"))]
        Arc::new(no_dns::NoDns),
        Arc::new(passthrough::Passthrough),
        Arc::new(ip_list::IpList::V4),
        Arc::new(ip_list::IpList::V6),
        Arc::new(unix::Unix::Path),
        Arc::new(unix::Unix::Abstract),
    ]
}

impl Updates {
    fn new(
        name: Arc<str>,
        reports: Reports,
        requests: watch::Receiver<RefreshState>,
        observers: Observers,
    ) -> Self {
        let seen = *requests.borrow();
        Self { reports, requests, seen, name, observers }
    }

    /// Who hears of what happens on the way to an answer.
    #[cfg(feature = "dns")]
    pub(crate) fn observers(&self) -> &Observers {
        &self.observers
    }

    /// The target's endpoint, for log lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands an update over, at once, and waits for what the channel says to it.
    ///
    /// Dropping the future takes nothing back: it forgoes the verdict. The channel hears the latest update: one that it
    /// has not heard when the next one comes is replaced, unless the next one is [`Absence::Failed`], which says nothing
    /// about the name.
    pub fn report(&mut self, update: Update) -> impl Future<Output = Verdict> + Send + '_ {
        self.reports.report(update)
    }

    /// Waits until the channel wants a fresh answer: a connection was lost, was told to go away, or could not be made.
    ///
    /// Requests that arrive while nobody waits coalesce into one. Returns `None` when the channel is gone.
    /// Cancel-safe: a request is consumed only when it is returned.
    pub async fn refresh_requested(&mut self) -> Option<RefreshRequest> {
        loop {
            let state = *self.requests.borrow_and_update();
            if let Some(urgency) = state.since(self.seen) {
                self.seen = state;
                return Some(RefreshRequest { urgency });
            }
            self.requests.changed().await.ok()?;
        }
    }
}

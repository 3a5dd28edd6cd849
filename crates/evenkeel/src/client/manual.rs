//! `manual:` endpoints that the program itself sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::target::{Target, TargetError};
use tokio::sync::watch;

use super::resolve::{BoxFuture, ResolveContext, Resolver, ResolverFactory, Update, Updates, Verdict};

/// Endpoints that the program sets, for targets `manual:///anything`.
///
/// Register a clone of it on the builder (`.resolver(manual.clone())`); it may serve several channels, which all get
/// the same endpoints. It remembers what was set last, so that a channel built later, or one that wakes from
/// idleness, gets it at once. Of several changes in a row a channel may see only the last. Dropping it changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Manual {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    update: watch::Sender<Option<Update>>,
    refresh_requests: AtomicU64,
}

impl Manual {
    /// A resolver without endpoints yet: calls wait for the first [`Manual::set`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the endpoints. None at all means the same as [`Manual::set_absent`].
    pub fn set(&self, endpoints: impl IntoIterator<Item = Endpoint>) {
        let update = Update::endpoints(endpoints);
        let is_empty = update.endpoints.as_ref().is_ok_and(|list| list.is_empty());
        self.update(if is_empty { update.keep_ready() } else { update });
    }

    /// Says that there is no backend now: endpoints that are not READY are dropped, calls fail with `reason`.
    pub fn set_absent(&self, reason: impl Into<String>) {
        self.update(Update::absent(reason.into()).keep_ready());
    }

    /// Says that the backends cannot be learnt now: those known stay in use; without any, calls fail with `reason`.
    pub fn set_failed(&self, reason: impl Into<String>) {
        self.update(Update::failed(reason.into()));
    }

    /// How often channels have asked for a fresh answer so far; requests in quick succession count as one.
    pub fn refresh_requests(&self) -> u64 {
        self.shared.refresh_requests.load(Ordering::Relaxed)
    }

    /// Says anything that a resolver can say, of attributes and notes too.
    pub fn update(&self, update: Update) {
        self.shared.update.send_replace(Some(update));
    }
}

impl ResolverFactory for Manual {
    fn scheme(&self) -> &str {
        "manual"
    }

    fn build(&self, _: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        Ok(Box::new(self.clone()))
    }
}

impl Resolver for Manual {
    fn run(self: Box<Self>, mut updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut news = self.shared.update.subscribe();
            // What was set before this channel came is news to it.
            news.mark_changed();
            loop {
                tokio::select! {
                    // Requests first: an update is done with only when the channel has heard it.
                    biased;
                    request = updates.refresh_requested() => {
                        if request.is_none() {
                            return;
                        }
                        self.shared.refresh_requests.fetch_add(1, Ordering::Relaxed);
                    }
                    changed = news.changed() => {
                        let update = news.borrow_and_update().clone();
                        if changed.is_err() {
                            return;
                        }
                        if let Some(update) = update && updates.report(update).await == Verdict::Gone {
                            return;
                        }
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::Manual;
    use crate::client::resolve::testing::{Line, build};
    use crate::client::resolve::{Absence, Urgency};
    use evenkeel_core::endpoint::Endpoint;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint::from(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    #[tokio::test]
    async fn a_later_channel_gets_the_last_state_at_once_and_all_get_changes() {
        let manual = Manual::new();
        manual.set([endpoint(1)]);
        manual.set([endpoint(2)]);
        let mut lines = [Line::run(build(&manual, "manual:a")), Line::run(build(&manual, "manual:///b"))];
        for line in &mut lines {
            assert_eq!(line.answer().await, Ok([endpoint(2)].into()));
        }
        manual.set_absent("gone");
        for line in &mut lines {
            assert_eq!(line.answer().await, Err(Absence::Absent("gone".into())));
        }
        manual.set_failed("broken");
        for line in &mut lines {
            assert_eq!(line.answer().await, Err(Absence::Failed("broken".into())));
        }
    }

    #[tokio::test]
    async fn refresh_requests_are_counted_and_a_gone_channel_ends_the_resolver() {
        let manual = Manual::new();
        let mut line = Line::run(build(&manual, "manual:"));
        manual.set([]);
        assert_eq!(line.answer().await, Ok([].into()));
        line.request(Urgency::Calm);
        while manual.refresh_requests() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(manual.refresh_requests(), 1);
        line.hang_up().await;
    }
}

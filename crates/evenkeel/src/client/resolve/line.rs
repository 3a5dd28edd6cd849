//! The line between a channel and its resolver.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot, watch};

use super::{RefreshState, Update, Updates, Urgency, Verdict};
use crate::observe::Observers;

/// An update, and who waits for an answer to it.
pub(crate) type Report = (Update, Reply);

/// The way of a verdict back to the resolver. Dropped, it tells the resolver that nobody is there any more.
#[derive(Debug)]
pub(crate) struct Reply(Option<oneshot::Sender<Verdict>>);

/// The channel's end. A resolver that reports faster than the channel listens is heard of its latest only: what it
/// said before is out of date.
#[derive(Debug)]
pub(crate) struct Line {
    slot: Arc<Slot>,
    requests: watch::Sender<RefreshState>,
}

/// The resolver's end, for its updates.
#[derive(Debug)]
pub(super) struct Reports(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    waiting: Mutex<Waiting>,
    news: Notify,
}

/// What was reported and not heard yet.
#[derive(Debug, Default)]
struct Waiting {
    /// The latest update about the name.
    found: Option<Report>,
    /// A failure that came after it. It leaves in use what was found, so that has to be heard first.
    failed: Option<Report>,
    resolver_is_gone: bool,
    channel_is_gone: bool,
}

impl Line {
    /// Opens one; `name` is what log lines call the target.
    pub(crate) fn open(name: &str, observers: Observers) -> (Self, Updates) {
        let slot = Arc::<Slot>::default();
        let requests = watch::Sender::new(RefreshState::default());
        let updates = Updates::new(name.into(), Reports(Arc::clone(&slot)), requests.subscribe(), observers);
        (Self { slot, requests }, updates)
    }

    /// The next update; `None` when the resolver is gone and has been heard. Cancel-safe.
    pub(crate) async fn next(&self) -> Option<Report> {
        loop {
            let news = self.slot.news.notified();
            {
                let mut waiting = self.slot.lock();
                if let Some(report) = waiting.take() {
                    return Some(report);
                }
                if waiting.resolver_is_gone {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Asks for a fresh answer.
    pub(crate) fn request(&self, urgency: Urgency) {
        self.requests.send_modify(|state| state.request(urgency));
    }
}

impl Reports {
    /// Hands it over at once; what is returned waits for the verdict.
    pub(super) fn report(&self, update: Update) -> impl Future<Output = Verdict> + Send + use<> {
        let (sender, verdict) = oneshot::channel();
        self.hand_over(update, Reply(Some(sender)));
        // Without a sender there is no channel.
        async move { verdict.await.unwrap_or(Verdict::Gone) }
    }

    fn hand_over(&self, update: Update, reply: Reply) {
        let mut waiting = self.0.lock();
        if waiting.channel_is_gone {
            return;
        }
        if update.is_failure() {
            waiting.failed = Some((update, reply));
        } else {
            waiting.failed = None;
            waiting.found = Some((update, reply));
        }
        drop(waiting);
        self.0.news.notify_one();
    }
}

impl Reply {
    /// For an update that no resolver waits for.
    pub(crate) fn to_nobody() -> Self {
        Self(None)
    }

    pub(crate) fn say(self, verdict: Verdict) {
        if let Some(resolver) = self.0 {
            // It may not care.
            let _ = resolver.send(verdict);
        }
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Report> {
        self.found.take().or_else(|| self.failed.take())
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        self.0.lock().resolver_is_gone = true;
        self.0.news.notify_one();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut waiting = self.slot.lock();
        waiting.channel_is_gone = true;
        (waiting.found, waiting.failed) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn endpoints(port: u16) -> Update {
        Update::endpoints([SocketAddr::from(([127, 0, 0, 1], port)).into()])
    }

    async fn heard(line: &Line) -> Option<Update> {
        let (update, reply) = line.next().await?;
        reply.say(Verdict::Accepted);
        Some(update)
    }

    #[tokio::test]
    async fn of_many_updates_the_latest_is_heard_and_a_failure_hides_none() {
        let (line, mut updates) = Line::open("x", Observers::default());
        for port in 1..1_000 {
            drop(updates.report(endpoints(port)));
        }
        drop(updates.report(Update::failed("a")));
        drop(updates.report(Update::failed("b")));
        assert_eq!(heard(&line).await, Some(endpoints(999)));
        assert_eq!(heard(&line).await, Some(Update::failed("b")));
        drop(updates.report(Update::failed("c")));
        drop(updates.report(Update::absent("gone")));
        assert_eq!(heard(&line).await, Some(Update::absent("gone")), "that is newer than c");
        drop(updates.report(endpoints(1)));
        drop(updates);
        assert_eq!(heard(&line).await, Some(endpoints(1)));
        assert_eq!(heard(&line).await, None);
        assert_eq!(heard(&line).await, None);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_an_update_and_by_the_resolvers_end() {
        let (line, mut updates) = Line::open("x", Observers::default());
        let listening = tokio::spawn(async move {
            let first = heard(&line).await;
            (first, heard(&line).await)
        });
        tokio::task::yield_now().await;
        assert_eq!(updates.report(endpoints(1)).await, Verdict::Accepted);
        tokio::task::yield_now().await;
        drop(updates);
        assert_eq!(listening.await.unwrap(), (Some(endpoints(1)), None));
    }

    #[tokio::test]
    async fn a_resolver_learns_what_became_of_its_update_and_that_its_channel_is_gone() {
        let (line, mut updates) = Line::open("x", Observers::default());
        let rejected = Verdict::Rejected("no weights".into());
        let (verdict, ()) = tokio::join!(updates.report(endpoints(1)), async {
            line.next().await.unwrap().1.say(rejected.clone());
        });
        assert_eq!(verdict, rejected);
        let (verdict, ()) = tokio::join!(updates.report(endpoints(1)), async { drop(line) });
        assert_eq!(verdict, Verdict::Gone, "while it waits");
        assert_eq!(updates.report(endpoints(1)).await, Verdict::Gone, "and ever after");
    }
}

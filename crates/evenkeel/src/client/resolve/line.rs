//! The line between a channel and its resolver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Answer, RefreshState, Updates, Urgency};
use crate::observe::Observers;

/// An answer, and when the resolver means to look again by itself.
pub(crate) type Report = (Answer, Option<Duration>);

/// The channel's end. A resolver that reports faster than the channel listens is heard of its latest only: what it
/// said before is out of date.
#[derive(Debug)]
pub(crate) struct Line {
    slot: Arc<Slot>,
    requests: watch::Sender<RefreshState>,
}

/// The resolver's end, for its answers.
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
    /// The latest answer about the name.
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

    /// The next answer; `None` when the resolver is gone and has been heard. Cancel-safe.
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
    /// Whether there is somebody to hear it.
    pub(super) fn report(&self, answer: Answer, next: Option<Duration>) -> bool {
        let mut waiting = self.0.lock();
        if waiting.channel_is_gone {
            return false;
        }
        if matches!(answer, Answer::Failed(_)) {
            waiting.failed = Some((answer, next));
        } else {
            waiting.failed = None;
            waiting.found = Some((answer, next));
        }
        drop(waiting);
        self.0.news.notify_one();
        true
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
        // It can be long.
        waiting.found = None;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn endpoints(port: u16) -> Answer {
        Answer::Endpoints(vec![SocketAddr::from(([127, 0, 0, 1], port)).into()])
    }

    fn failed(text: &str) -> Answer {
        Answer::Failed(text.into())
    }

    #[tokio::test]
    async fn of_many_answers_the_latest_is_heard_and_a_failure_hides_none() {
        let (line, updates) = Line::open("x", Observers::default());
        for port in 1..1_000 {
            assert!(updates.report(endpoints(port), None));
        }
        updates.report(failed("a"), None);
        updates.report(failed("b"), None);
        assert_eq!(line.next().await, Some((endpoints(999), None)));
        assert_eq!(line.next().await, Some((failed("b"), None)));
        updates.report(failed("c"), None);
        updates.report(Answer::Absent("gone".into()), None);
        assert_eq!(line.next().await, Some((Answer::Absent("gone".into()), None)), "that is newer than c");
        updates.report(endpoints(1), Some(Duration::from_secs(1)));
        drop(updates);
        assert_eq!(line.next().await, Some((endpoints(1), Some(Duration::from_secs(1)))));
        assert_eq!(line.next().await, None);
        assert_eq!(line.next().await, None);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_an_answer_and_by_the_resolvers_end() {
        let (line, updates) = Line::open("x", Observers::default());
        let listening = tokio::spawn(async move {
            let first = line.next().await;
            (first, line.next().await)
        });
        tokio::task::yield_now().await;
        updates.report(endpoints(1), None);
        tokio::task::yield_now().await;
        drop(updates);
        assert_eq!(listening.await.unwrap(), (Some((endpoints(1), None)), None));
    }

    #[test]
    fn a_resolver_learns_that_its_channel_is_gone() {
        let (line, updates) = Line::open("x", Observers::default());
        drop(line);
        assert!(!updates.report(endpoints(1), None));
    }
}

//! A channel's end of the line to a resolver, for tests.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::target::Target;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{Answer, RefreshState, ResolveContext, Resolver, ResolverFactory, Updates, Urgency};
use crate::client::Refresh;
use crate::observe::Observers;

/// A running resolver, heard and asked as a channel does.
pub(crate) struct Line {
    answers: mpsc::UnboundedReceiver<(Answer, Option<Duration>)>,
    requests: watch::Sender<RefreshState>,
    pub(crate) task: JoinHandle<()>,
}

/// Builds the resolver that `factory` makes for `text`, with the default refresh mode.
pub(crate) fn build(factory: &impl ResolverFactory, text: &str) -> Box<dyn Resolver> {
    build_with(factory, text, Refresh::Ttl)
}

pub(crate) fn build_with(factory: &impl ResolverFactory, text: &str, refresh: Refresh) -> Box<dyn Resolver> {
    let target = Target::parse(text, |scheme| scheme == factory.scheme()).unwrap();
    factory.build(&target, &ResolveContext { refresh }).unwrap()
}

impl Line {
    pub(crate) fn run(resolver: Box<dyn Resolver>) -> Self {
        Self::run_observed(resolver, Observers::default())
    }

    pub(crate) fn run_observed(resolver: Box<dyn Resolver>, observers: Observers) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        let (requests, receiver) = watch::channel(RefreshState::default());
        let updates = Updates::new(Arc::from("test"), sender, receiver, observers);
        Self { answers, requests, task: tokio::spawn(resolver.run(updates)) }
    }

    /// The next answer, with what the resolver says about the one after.
    pub(crate) async fn next(&mut self) -> (Answer, Option<Duration>) {
        self.answers.recv().await.expect("the resolver ended")
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.next().await.0
    }

    pub(crate) fn request(&self, urgency: Urgency) {
        self.requests.send_modify(|state| state.request(urgency));
    }

    /// Goes away as a channel does that is dropped, and waits for the resolver to notice.
    pub(crate) async fn hang_up(self) {
        drop((self.answers, self.requests));
        self.task.await.unwrap();
    }
}

//! A channel's end of the line to a resolver, for tests.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::target::Target;
use tokio::task::JoinHandle;

use super::{Absence, ResolveContext, Resolver, ResolverFactory, Update, Urgency, Verdict};
use crate::client::Refresh;
use crate::observe::Observers;

/// A running resolver, heard and asked as a channel does.
pub(crate) struct Line {
    line: super::Line,
    pub(crate) task: JoinHandle<()>,
}

/// Builds the resolver that `factory` makes for `text`, with the default refresh mode.
pub(crate) fn build(factory: &impl ResolverFactory, text: &str) -> Box<dyn Resolver> {
    build_with(factory, text, Refresh::Ttl)
}

pub(crate) fn build_with(factory: &impl ResolverFactory, text: &str, refresh: Refresh) -> Box<dyn Resolver> {
    let target = Target::parse(text, |scheme| scheme == factory.scheme()).unwrap();
    factory.build(&target, &ResolveContext::new(refresh)).unwrap()
}

impl Line {
    pub(crate) fn run(resolver: Box<dyn Resolver>) -> Self {
        Self::run_observed(resolver, Observers::default())
    }

    pub(crate) fn run_observed(resolver: Box<dyn Resolver>, observers: Observers) -> Self {
        let (line, updates) = super::Line::open("test", observers);
        Self { line, task: tokio::spawn(resolver.run(updates)) }
    }

    /// The next update, which is accepted.
    pub(crate) async fn update(&mut self) -> Update {
        self.judge(Verdict::Accepted).await
    }

    /// The next update; `verdict` is what is made of it.
    pub(crate) async fn judge(&mut self, verdict: Verdict) -> Update {
        let (update, reply) = self.line.next().await.expect("the resolver ended");
        reply.say(verdict);
        update
    }

    /// The next answer, with what the resolver says about the one after.
    pub(crate) async fn next(&mut self) -> (Result<Arc<[Endpoint]>, Absence>, Option<Duration>) {
        let Update { endpoints, next, .. } = self.update().await;
        (endpoints, next)
    }

    pub(crate) async fn answer(&mut self) -> Result<Arc<[Endpoint]>, Absence> {
        self.next().await.0
    }

    pub(crate) fn request(&self, urgency: Urgency) {
        self.line.request(urgency);
    }

    /// Goes away as a channel does that is dropped, and waits for the resolver to notice.
    pub(crate) async fn hang_up(self) {
        drop(self.line);
        self.task.await.unwrap();
    }
}

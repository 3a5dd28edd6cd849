//! A channel's resolver while it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, AbortHandle, JoinSet};

use crate::client::config::Config;
use crate::client::resolve::{Answer, RefreshState, ResolveContext, Updates, Urgency};

/// The driver's line to its resolver's task; the task ends when this is dropped.
pub(super) struct Resolving {
    answers: mpsc::UnboundedReceiver<(Answer, Option<Duration>)>,
    requests: watch::Sender<RefreshState>,
    task: Option<AbortHandle>,
    answered: bool,
    ended: bool,
}

impl Resolving {
    pub(super) fn start(config: &Config, tasks: &mut JoinSet<()>) -> Self {
        let (reports, answers) = mpsc::unbounded_channel();
        let requests = watch::Sender::new(RefreshState::default());
        let updates = Updates::new(
            Arc::from(config.target.endpoint()),
            reports.clone(),
            requests.subscribe(),
            config.observers.clone(),
        );
        let context = ResolveContext { refresh: config.refresh };
        let task = match config.factory.build(&config.target, &context) {
            Ok(resolver) => Some(tasks.spawn(resolver.run(updates))),
            Err(error) => {
                // The receiver is right here.
                let _ = reports.send((Answer::Failed(error.to_string()), None));
                None
            }
        };
        Self { answers, requests, task, answered: false, ended: false }
    }

    /// The next answer; `None` once, when the resolver has ended.
    pub(super) async fn next(&mut self) -> Option<(Answer, Option<Duration>)> {
        if self.ended {
            return std::future::pending().await;
        }
        let answer = self.answers.recv().await;
        self.answered |= answer.is_some();
        answer
    }

    /// What the end of the resolver means: nothing, if it has answered; what it said stays.
    pub(super) fn on_end(&mut self) -> Option<(Answer, Option<Duration>)> {
        self.ended = true;
        let silent = "the resolver ended without an answer";
        (!self.answered).then(|| (Answer::Failed(silent.into()), None))
    }

    pub(super) fn is_task(&self, id: task::Id) -> bool {
        self.task.as_ref().is_some_and(|task| task.id() == id)
    }

    pub(super) fn request(&self, urgency: Urgency) {
        self.requests.send_modify(|state| state.request(urgency));
    }
}

impl Drop for Resolving {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

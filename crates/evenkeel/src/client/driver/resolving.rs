//! A channel's resolver while it runs.

use tokio::task::{self, AbortHandle, JoinSet};

use crate::client::config::Config;
use crate::client::resolve::{Line, Reply, Report, ResolveContext, Update, Urgency};

/// The driver's line to its resolver's task; the task ends when this is dropped.
pub(super) struct Resolving {
    line: Line,
    task: Option<AbortHandle>,
    answered: bool,
    ended: bool,
}

impl Resolving {
    pub(super) fn start(config: &Config, tasks: &mut JoinSet<()>) -> Self {
        let (line, mut updates) = Line::open(config.target.endpoint(), config.observers.clone());
        let context = ResolveContext::new(config.refresh);
        let task = match config.factory.build(&config.target, &context) {
            Ok(resolver) => Some(tasks.spawn(resolver.run(updates))),
            Err(error) => {
                // Nobody waits for what becomes of it.
                drop(updates.report(Update::failed(error.to_string())));
                None
            }
        };
        Self { line, task, answered: false, ended: false }
    }

    /// The next answer; `None` once, when the resolver has ended.
    pub(super) async fn next(&mut self) -> Option<Report> {
        if self.ended {
            return std::future::pending().await;
        }
        let answer = self.line.next().await;
        self.answered |= answer.is_some();
        answer
    }

    /// What the end of the resolver means: nothing, if it has answered; what it said stays.
    pub(super) fn on_end(&mut self) -> Option<Report> {
        self.ended = true;
        let silent = "the resolver ended without an answer";
        (!self.answered).then(|| (Update::failed(silent), Reply::to_nobody()))
    }

    pub(super) fn is_task(&self, id: task::Id) -> bool {
        self.task.as_ref().is_some_and(|task| task.id() == id)
    }

    pub(super) fn request(&self, urgency: Urgency) {
        self.line.request(urgency);
    }
}

impl Drop for Resolving {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

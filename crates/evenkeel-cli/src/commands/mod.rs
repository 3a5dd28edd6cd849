//! The commands themselves.

mod control;
mod demo;
mod load;
mod manual;
mod resolve;
mod serve;
mod signals;

use std::sync::Arc;

use crate::exit::{RunError, Verdict};
use crate::plan::{Plan, Task};
use crate::render::Screen;

/// What is logged where the environment says nothing.
pub(crate) fn default_log(plan: &Plan) -> &'static str {
    match plan.task {
        Task::Demo { .. } => demo::LOG,
        _ => "warn",
    }
}

/// Does what the plan says.
///
/// # Errors
/// When it could not be done; that a call or a claim failed is a verdict, not an error.
pub(crate) async fn run(plan: Plan, screen: &Arc<Screen>) -> Result<Verdict, RunError> {
    match plan.task {
        Task::Serve(args) => serve::run(args, screen).await,
        Task::Load(load) => load::run(&load, plan.surroundings, screen).await,
        Task::Resolve(args) => resolve::run(&args, plan.surroundings, screen).await,
        Task::Demo { output, report } => {
            demo::run(output, report.as_deref(), plan.surroundings, screen).await
        }
        Task::Completions(shell) => manual::completions(shell),
        Task::Man(command) => manual::page(command.as_deref()),
    }
}

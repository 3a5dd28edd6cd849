//! The `evenkeel` command: what was typed (`args`) → what to do (`plan`) → doing it (`commands`) → saying it (`render`).

mod args;
mod assess;
mod commands;
mod exit;
mod log;
mod plan;
mod render;
mod resolve;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use crate::args::Args;
use crate::exit::{RunError, Verdict};
use crate::plan::{Plan, Surroundings};
use crate::render::Screen;

/// How long the runtime may take to end what is left; nothing that matters is.
const RUNTIME_SHUTDOWN: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let surroundings = Surroundings::detect();
    let screen = Screen::new(surroundings.live);
    let result = run(surroundings, &screen);
    if let Err(error) = &result {
        report(error, &screen);
    }
    exit::code(&result)
}

fn run(surroundings: Surroundings, screen: &Arc<Screen>) -> Result<Verdict, RunError> {
    let plan = Plan::new(Args::try_parse()?, surroundings);
    log::to(screen, surroundings.live_colour, commands::default_log(&plan));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(RunError::system("cannot start the runtime"))?;
    let result = runtime.block_on(commands::run(plan, screen));
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
    result
}

fn report(error: &RunError, screen: &Screen) {
    match error {
        // A failure to print the usage has nobody left to be told to.
        RunError::Arguments(usage) => drop(usage.print()),
        RunError::Output(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => screen.line(&format!("evenkeel: {other}")),
    }
}

//! Attacks on the memory of a real `evenkeel serve`, one fresh process each, and what they cost it.
//!
//! `.ci/attacks` builds and calls it; `attack --list` names the cases.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measuring program: its table is its output, and what it cannot start it cannot measure"
)]

mod acts;
mod args;
mod cases;
mod data;
mod honest;
mod pod;
mod report;
mod run;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let plan = match args::parse(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(why) => {
            println!("{why}");
            return ExitCode::from(2);
        }
    };
    if plan.list {
        cases::list();
        return ExitCode::SUCCESS;
    }
    // One thread: the attacker must leave the server a core of its own on a machine with two.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let failed = runtime.expect("a runtime starts").block_on(run::all(&plan));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

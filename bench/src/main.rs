//! `cargo run --release -p evenkeel-bench`: what a call costs, in instructions, beside others in the same run.
//!
//! Instructions are counted by valgrind's callgrind, which finds the same number twice where a clock would not. The
//! command fails when a ratio is over its limit, so CI can run it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]

mod callgrind;
mod cases;
mod instructions;

use std::process::ExitCode;

const USAGE: &str = "usage: evenkeel-bench [instructions | case NAME CALLS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] | ["instructions"] => instructions::compare(),
        ["case", name, calls] => run_case(name, calls),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run_case(name: &str, calls: &str) -> Result<(), String> {
    let case = cases::ALL.iter().find(|case| case.name() == name).ok_or_else(|| {
        let names: Vec<&str> = cases::ALL.iter().map(|case| case.name()).collect();
        format!("no case is called {name}; there are: {}", names.join(", "))
    })?;
    let calls = calls.parse().map_err(|error| format!("{calls} is no number of calls: {error}"))?;
    case.run(calls)
}

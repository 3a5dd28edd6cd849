//! The table.

use std::time::Duration;

use crate::args::Plan;
use crate::cases::Case;
use crate::honest::Served;
use crate::pod::Memory;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// At the end, and the most of all the time.
    pub(crate) memory: Memory,
    pub(crate) served: Served,
    /// How often the server ended an attacker's connection.
    pub(crate) ended: u32,
    /// How long the drain took, if there was one; within: if it ended at all.
    pub(crate) drain: Option<Option<Duration>>,
    /// Why the case ended early.
    pub(crate) gave_up: Option<String>,
}

pub(crate) fn heading(plan: &Plan) {
    println!(
        "{:?} of attack, {:?} after it; the limit is {} MiB; `cut` is how often the server ended a connection",
        plan.attack, plan.settle, plan.limit_mib
    );
    println!(
        "{:<18} {:>5} {:>9} {:>9} {:>13} {:>8} {:>6} {:>7}  verdict",
        "case", "conns", "peak MiB", "after MiB", "honest failed", "worst ms", "cut", "drain s"
    );
}

pub(crate) fn row(case: &Case, connections: u32, outcome: &Outcome, failures: &[String]) {
    let served = &outcome.served;
    let drain = match outcome.drain {
        None => "-".to_owned(),
        Some(None) => "never".to_owned(),
        Some(Some(took)) => format!("{:.1}", took.as_secs_f64()),
    };
    let verdict =
        if failures.is_empty() { "pass".to_owned() } else { format!("FAIL: {}", failures.join(", ")) };
    println!(
        "{:<18} {:>5} {:>9.1} {:>9.1} {:>13} {:>8} {:>6} {:>7}  {verdict}",
        case.name,
        connections,
        mib(outcome.memory.peak),
        mib(outcome.memory.now),
        format!("{}/{}", served.failed, served.calls),
        served.worst.as_millis(),
        outcome.ended,
        drain,
    );
    if let Some(why) = &served.first_failure {
        let short: String = why.chars().take(160).collect();
        println!("{:<18}       first failed call: {}", "", short.escape_debug());
    }
}

pub(crate) fn summary(passed: usize, failed: usize) {
    println!("{passed} passed, {failed} failed");
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

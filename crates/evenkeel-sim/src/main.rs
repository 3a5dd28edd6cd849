//! Runs many worlds, or one of them with its log.
#![allow(clippy::print_stdout, reason = "what the program is for")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use evenkeel_sim::{Report, run, story};

/// evenkeel's code in simulated worlds of faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many worlds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first one's seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One world only, with its whole log.
    #[arg(long)]
    seed: Option<u64>,
    /// Worlds at a time. Default: one for each processor.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut report = Report::default();
    match arguments.seed {
        Some(seed) => {
            let outcome = run(seed)?;
            outcome.log.iter().for_each(|line| println!("{line}"));
            report.add(&outcome);
        }
        None => report = run_all(&arguments)?,
    }
    println!("{report}");
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_all(arguments: &Arguments) -> std::io::Result<Report> {
    let threads = arguments
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
        .max(1);
    let end = arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.from);
    let report = Mutex::new(Report::default());
    let work = || -> std::io::Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return Ok(());
            }
            let outcome = run(seed)?;
            if let Some(story) = story(&outcome) {
                println!("{story}");
            }
            report.lock().unwrap_or_else(PoisonError::into_inner).add(&outcome);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(std::io::Error::other("a world panicked")))
        })
    })?;
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

//! What was typed.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str =
    "usage: attack --server PATH [--case NAME]... [--connections N]... [--seconds S] [--settle S]
              [--limit-mib M] [--give-up-mib M] [--serve-arg ARG]... | --list";

/// What to measure, and how.
pub(crate) struct Plan {
    pub(crate) list: bool,
    pub(crate) server: PathBuf,
    /// Names; none: all.
    pub(crate) cases: Vec<String>,
    pub(crate) connections: Vec<u32>,
    pub(crate) attack: Duration,
    pub(crate) settle: Duration,
    pub(crate) limit_mib: u64,
    /// Where a case ends early, so that the machine survives it.
    pub(crate) give_up_mib: u64,
    pub(crate) serve_args: Vec<String>,
}

pub(crate) fn parse(mut typed: impl Iterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan {
        list: false,
        server: PathBuf::new(),
        cases: Vec::new(),
        connections: Vec::new(),
        attack: Duration::from_secs(3),
        settle: Duration::from_secs(2),
        limit_mib: 64,
        give_up_mib: 6 << 10,
        serve_args: Vec::new(),
    };
    while let Some(option) = typed.next() {
        if option == "--list" {
            plan.list = true;
            continue;
        }
        let value = typed.next().ok_or_else(|| format!("{option} needs a value\n{USAGE}"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{option} {value}: not a number\n{USAGE}"));
        match option.as_str() {
            "--server" => plan.server = value.into(),
            "--case" => plan.cases.push(value),
            "--serve-arg" => plan.serve_args.push(value),
            "--connections" => plan.connections.push(u32::try_from(number()?).unwrap_or(u32::MAX)),
            "--seconds" => plan.attack = Duration::from_secs(number()?),
            "--settle" => plan.settle = Duration::from_secs(number()?),
            "--limit-mib" => plan.limit_mib = number()?,
            "--give-up-mib" => plan.give_up_mib = number()?,
            _ => return Err(format!("{option}: no such option\n{USAGE}")),
        }
    }
    if plan.connections.is_empty() {
        plan.connections = vec![1, 10, 20];
    }
    if !plan.list && plan.server.as_os_str().is_empty() {
        return Err(USAGE.to_owned());
    }
    Ok(plan)
}

//! What many worlds came to, and what led to a violation.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::faults::Fault;
use crate::world::Outcome;

/// How many lines of the log before a violation are shown.
const CONTEXT: usize = 60;

/// The sum of outcomes.
#[derive(Clone, Debug, Default)]
pub struct Report {
    seeds: u64,
    lived: Duration,
    faults: BTreeMap<Fault, u64>,
    calls: BTreeMap<String, u64>,
    covered: u64,
    slowest: Duration,
    violations: u64,
    violated: Vec<u64>,
}

impl Report {
    /// Adds one world.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.lived += outcome.lived;
        self.covered += outcome.covered;
        self.slowest = self.slowest.max(outcome.recovery);
        self.violations += outcome.violations.len() as u64;
        for (fault, count) in &outcome.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (class, count) in &outcome.calls {
            *self.calls.entry(class.clone()).or_default() += count;
        }
        if !outcome.violations.is_empty() {
            self.violated.push(outcome.seed);
        }
    }

    /// Whether nothing happened that must not.
    pub fn holds(&self) -> bool {
        self.violations == 0
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// How many of them the invariant speaks of.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// How often a fault of this kind happened.
    pub fn faults(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seeds                {}", self.seeds)?;
        writeln!(f, "virtual hours        {:.1}", self.lived.as_secs_f64() / 3600.0)?;
        writeln!(f, "faults               {}", self.faults.values().sum::<u64>())?;
        for (fault, count) in &self.faults {
            writeln!(f, "  {:<18} {count}", format!("{fault:?}"))?;
        }
        writeln!(f, "calls                {}", self.calls())?;
        for (class, count) in &self.calls {
            writeln!(f, "  {class:<26} {count}")?;
        }
        writeln!(f, "under the invariant  {}", self.covered)?;
        writeln!(f, "slowest recovery     {:.1} s", self.slowest.as_secs_f64())?;
        write!(f, "against it           {}", self.violations)?;
        if !self.violated.is_empty() {
            write!(f, " (seeds {:?})", self.violated)?;
        }
        Ok(())
    }
}

/// The first violation of a world, and what led to it. Nothing if there is none.
pub fn story(outcome: &Outcome) -> Option<String> {
    let position = outcome.log.iter().position(|line| line.text.starts_with("VIOLATION"))?;
    let mut text =
        format!("seed {}: {} violations, the first of them:\n", outcome.seed, outcome.violations.len());
    let lines = outcome.log.iter().take(position + 5).skip(position.saturating_sub(CONTEXT));
    for line in lines {
        text.push_str(&format!("{line}\n"));
    }
    Some(text)
}

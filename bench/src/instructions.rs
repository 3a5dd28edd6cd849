//! The table of instructions per call, and the limits that a change must keep.

use crate::callgrind;
use crate::cases::Case;

/// One of ours beside somebody else's.
struct Comparison {
    what: &'static str,
    ours: Case,
    theirs: Case,
    /// What the ratio was when it was last set.
    ratio: f64,
}

/// So much a ratio may grow before it is called a regression.
const TOLERANCE: f64 = 1.03;

const COMPARISONS: [Comparison; 4] = [
    Comparison {
        what: "client: evenkeel / a raw h2 loop",
        ours: Case::Client,
        theirs: Case::RawClient,
        ratio: 1.42,
    },
    Comparison {
        what: "client: evenkeel / tonic's balance_list",
        ours: Case::ClientTcp,
        theirs: Case::TonicClientTcp,
        ratio: 0.69,
    },
    Comparison {
        what: "server: evenkeel / raw h2",
        ours: Case::Server,
        theirs: Case::RawServer,
        ratio: 1.86,
    },
    Comparison {
        what: "server: evenkeel / tonic",
        ours: Case::Server,
        theirs: Case::TonicServer,
        ratio: 1.14,
    },
];

/// Counts all cases and prints what they say; an error names the ratios over their limits.
pub(crate) fn compare() -> Result<(), String> {
    if !callgrind::is_there() {
        return Err("valgrind is not installed: nothing was counted".to_owned());
    }
    println!("instructions per unary call of 128 bytes, 64 calls in flight over 2 connections, one thread");
    println!("{:<42} {:>8} {:>8} {:>7} {:>7}", "", "ours", "theirs", "ratio", "limit");
    let mut over = Vec::new();
    for Comparison { what, ours, theirs, ratio: allowed } in &COMPARISONS {
        let (ours, theirs) = (callgrind::per_call(*ours)?, callgrind::per_call(*theirs)?);
        let (ratio, limit) = (ours / theirs, allowed * TOLERANCE);
        println!("{what:<42} {ours:>8.0} {theirs:>8.0} {ratio:>7.3} {limit:>7.3}");
        if ratio > limit {
            over.push(format!("{what}: {ratio:.3}, over {limit:.3}"));
        }
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(format!("more instructions than allowed:\n  {}", over.join("\n  ")))
    }
}

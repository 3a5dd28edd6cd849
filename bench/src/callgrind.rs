//! Counting the instructions of a case of this program.

use std::process::{Command, Output};

use crate::cases::{Case, PEER_TURN};

/// The more calls, the less what happens once matters; callgrind is some fifty times slower than the machine.
const FEW: u64 = 1_000;
const MANY: u64 = 5_000;

/// Whether there is a valgrind to count with.
pub(crate) fn is_there() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The instructions of one call of `case`, without those of the peer on the other side.
///
/// What happens once, connecting and warming up, is left out by subtracting a short run from a longer one.
pub(crate) fn per_call(case: Case) -> Result<f64, String> {
    let all = count(case, MANY, false)?.saturating_sub(count(case, FEW, false)?);
    let peer = count(case, MANY, true)?.saturating_sub(count(case, FEW, true)?);
    Ok(all.saturating_sub(peer) as f64 / (MANY - FEW) as f64)
}

fn count(case: Case, calls: u64, peer_only: bool) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own file: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    if peer_only {
        valgrind.arg(format!("--toggle-collect=*{PEER_TURN}*"));
    }
    valgrind.arg(program).args(["case", case.name(), &calls.to_string()]);
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    collected(&output).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("valgrind counted nothing for {} ({}):\n{said}", case.name(), output.status)
    })
}

/// Callgrind ends with `==pid== Collected : 123`.
fn collected(output: &Output) -> Option<u64> {
    if !output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let (_, number) = said.lines().find_map(|line| line.split_once("Collected :"))?;
    number.trim().parse().ok().filter(|count| *count > 0)
}

//! How the demo holds a pod: by its stdin. It asks for the count there, and closes it to end the pod.

use std::io::{self, BufRead};
use std::thread;

use evenkeel_load::school::Served;

use crate::render;

/// Obeys stdin on a thread of its own: `calls` is answered by a line `calls N` on stdout, and the end of stdin ends
/// the process at once.
///
/// The system closes the pipe however the demo ends, SIGKILL included, so no pod outlives it.
pub(super) fn obey_stdin(served: Served) {
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if line == "calls" && render::to_stdout(&format!("calls {}\n", served.count())).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
}

//! Reports that were never played, for tests of what is made of reports.

use std::time::Duration;

use crate::about::{About, Role};
use crate::claims::Claim;
use crate::report::Report;
use crate::seen::{Fate, KillSeen, Observed, PodCalls};

/// One act whose claim holds, and one whose claim does not.
pub fn reports() -> [Report; 2] {
    let pod = |number: u8, calls, first_call: Option<f64>| PodCalls {
        name: format!("school-{number}"),
        address: format!("127.0.9.{number}:50051"),
        served: calls,
        answered: calls,
        is_new: first_call.is_some(),
        came: None,
        first_call: first_call.map(Duration::from_secs_f64),
        fate: Fate::Stands,
    };
    let seen = Observed {
        pods: vec![pod(1, 3, None), pod(2, 2, Some(4.2))],
        calls: 5,
        failed: 0,
        max_latency: Duration::from_millis(20),
        p99_latency: Duration::from_micros(1500),
        watched: Some(Duration::from_secs(7)),
        interval: Some(Duration::from_millis(5500)),
        ..Observed::default()
    };
    let within = Claim::NewPodsWithinInterval { spare: Duration::from_secs(1) };
    [
        Report::new("ttl-refresh", "soon".to_owned(), within, seen.clone()),
        Report::new("headless", "evenly".to_owned(), Claim::Even { max_ratio: 1.1 }, seen),
    ]
}

/// An act in which one pod was killed and one drained.
pub fn trouble() -> Report {
    let pod = |number: u8, calls, fate| PodCalls {
        name: format!("school-{number}"),
        address: format!("127.0.9.{number}:50051"),
        served: calls,
        answered: calls,
        is_new: false,
        came: None,
        first_call: None,
        fate,
    };
    let kill = KillSeen {
        last_failed_start: Duration::from_millis(12),
        last_answered_start: Duration::ZERO,
        new_pod_in: Some(Duration::from_secs(5)),
    };
    let seen = Observed {
        pods: vec![
            pod(1, 3, Fate::Killed { answered_before: 3 }),
            pod(2, 1, Fate::Drained { is_clean: true }),
        ],
        calls: 5,
        failed: 1,
        kill: Some(kill),
        ..Observed::default()
    };
    let bound = Duration::from_secs(6);
    let report =
        Report::new("kill", "unnoticed".to_owned(), Claim::SurvivesKill { grace: bound, bound }, seen);
    let (meaning, look) = ("A pod dies.", "Look at its band.");
    Report { about: About { role: Role::Trouble, meaning, look, expected: Some("a warning") }, ..report }
}

//! What the renderers' tests render.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_load::{EndpointSummary, Failures, Latencies, Pod, Summary};

use crate::demo::{About, Claim, Fate, KillSeen, Observed, PodCalls, Report, Role};

pub(crate) fn empty_summary() -> Summary {
    Summary::none("a:1")
}

/// One failed call.
fn failure(code: &'static str, message: &str) -> Failures {
    Failures { counts: BTreeMap::from([(code, 1)]), messages: BTreeMap::from([(code, message.to_owned())]) }
}

pub(crate) fn summary() -> Summary {
    let endpoint = |name: &str, address: &str, calls, times: [u64; 2]| EndpointSummary {
        made: calls,
        answered: calls,
        share: calls as f64 / 3.0,
        first_call: Duration::from_millis(times[0]),
        last_call: Duration::from_millis(times[1]),
        last_start: Duration::from_millis(times[1]),
        ..EndpointSummary::none(Pod { name: name.to_owned(), address: address.to_owned() })
    };
    let latency = Latencies {
        p50: Duration::from_micros(500),
        p90: Duration::from_micros(800),
        p99: Duration::from_micros(900),
        p999: Duration::from_micros(900),
        max: Duration::from_millis(1),
    };
    let school_1 = EndpointSummary {
        failed: failure("NOT_FOUND", "no school 7"),
        latency: Some(latency),
        ..endpoint("school-1", "127.0.9.1:50051", 2, [250, 2000])
    };
    Summary {
        target: "dns:///school-internal-headless:50051".to_owned(),
        elapsed: Duration::from_millis(2500),
        calls: 4,
        ok: 3,
        failed: BTreeMap::from([("UNAVAILABLE", 1)]),
        no_pod: failure("UNAVAILABLE", "no endpoint is READY: connection refused"),
        last_failed_start: Some(Duration::from_secs(1)),
        latency: Some(Latencies {
            p50: Duration::from_micros(750),
            p90: Duration::from_micros(1500),
            p99: Duration::from_millis(20),
            p999: Duration::from_millis(20),
            max: Duration::from_millis(20),
        }),
        endpoints: vec![school_1, endpoint("127.0.9.2:50051", "127.0.9.2:50051", 1, [1000, 1000])],
    }
}

/// One act whose claim holds, and one whose claim does not.
pub(crate) fn reports() -> [Report; 2] {
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
pub(crate) fn trouble() -> Report {
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

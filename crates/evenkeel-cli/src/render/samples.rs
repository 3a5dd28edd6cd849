//! What the renderers' tests render.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_load::{EndpointSummary, Failures, Latencies, Pod, Summary};

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

use std::time::Duration;

use evenkeel_demo::samples::{reports, trouble};
use evenkeel_load::Connected;

use super::{demo, interval, load};
use crate::args::Assertion;
use crate::assess::assess;
use crate::render::samples;

const LOAD: &str = r#"{
  "schema_version": 1,
  "target": "dns:///school-internal-headless:50051",
  "connected": {
    "took_s": 0.012,
    "endpoints": 3,
    "ready": 2,
    "failed": 1
  },
  "duration_s": 2.5,
  "calls": 4,
  "ok": 3,
  "failed": {
    "UNAVAILABLE": 1
  },
  "no_pod": {
    "failed": {
      "UNAVAILABLE": 1
    },
    "messages": {
      "UNAVAILABLE": "no endpoint is READY: connection refused"
    }
  },
  "latency_ms": {
    "p50": 0.75,
    "p90": 1.5,
    "p99": 20.0,
    "p999": 20.0,
    "max": 20.0
  },
  "endpoints": [
    {
      "name": "school-1",
      "address": "127.0.9.1:50051",
      "calls": 2,
      "answered": 2,
      "share": 0.6667,
      "first_call_s": 0.25,
      "last_call_s": 2.0,
      "failed": {
        "NOT_FOUND": 1
      },
      "messages": {
        "NOT_FOUND": "no school 7"
      },
      "latency_ms": {
        "p50": 0.5,
        "p90": 0.8,
        "p99": 0.9,
        "p999": 0.9,
        "max": 1.0
      }
    },
    {
      "name": "127.0.9.2:50051",
      "address": "127.0.9.2:50051",
      "calls": 1,
      "answered": 1,
      "share": 0.3333,
      "first_call_s": 1.0,
      "last_call_s": 1.0,
      "failed": {},
      "messages": {},
      "latency_ms": {
        "p50": null,
        "p90": null,
        "p99": null,
        "p999": null,
        "max": null
      }
    }
  ],
  "assertions": [
    {
      "assert": "pods=2",
      "holds": true
    },
    {
      "assert": "failed=0",
      "holds": false,
      "but": "1 of 4 calls failed (UNAVAILABLE 1)"
    }
  ]
}
"#;

#[test]
fn a_load() {
    let summary = samples::summary();
    let took = Duration::from_micros(12_300);
    let connected = Connected { took, endpoints: 3, ready: 2, failed: 1 };
    assert_eq!(load(&summary, connected, &assess(&[Assertion::Pods(2)], &summary)), LOAD);
}

#[test]
fn an_interval_is_one_line() {
    let text = interval("2026-11-24T20:41:07Z", &samples::summary());
    assert!(text.starts_with(r#"{"schema_version":1,"time":"2026-11-24T20:41:07Z","target":"#), "{text}");
    assert!(text.ends_with("}\n") && text.lines().count() == 1 && !text.contains("assertions"), "{text}");
    assert!(!text.contains("connected"), "{text}");
}

#[test]
fn a_load_without_calls() {
    let document = load(&samples::empty_summary(), Connected::default(), &[]);
    assert!(document.contains(r#""p50": null"#) && document.contains(r#""failed": {}"#), "{document}");
}

/// One act that holds and one that does not.
const DEMO: &str = r#"{
  "schema_version": 1,
  "holds": false,
  "acts": [
    {
      "id": "ttl-refresh",
      "role": "remedy",
      "meaning": "",
      "claim": "soon",
      "holds": true,
      "verdict": "holds",
      "figures": {
        "calls": 5,
        "failed": 0,
        "p99_ms": 1.5,
        "max_ms": 20.0,
        "counts_agree": true,
        "watched_s": 7.0,
        "interval_s": 5.5,
        "new_pods_after_s": 4.2,
        "bound_s": 6.5
      },
      "pods": [
        {
          "name": "school-1",
          "address": "127.0.9.1:50051",
          "calls": 3,
          "share": 0.6
        },
        {
          "name": "school-2",
          "address": "127.0.9.2:50051",
          "calls": 2,
          "share": 0.4
        }
      ]
    },
    {
      "id": "headless",
      "role": "remedy",
      "meaning": "",
      "claim": "evenly",
      "holds": false,
      "verdict": "does not hold",
      "broken": [
        "by the pods' own count max/min is 1.500",
        "by the client's own count max/min is 1.500"
      ],
      "figures": {
        "calls": 5,
        "failed": 0,
        "p99_ms": 1.5,
        "max_ms": 20.0,
        "counts_agree": true,
        "max_min_ratio": 1.5,
        "watched_s": 7.0,
        "interval_s": 5.5,
        "new_pods_after_s": 4.2
      },
      "pods": [
        {
          "name": "school-1",
          "address": "127.0.9.1:50051",
          "calls": 3,
          "share": 0.6
        },
        {
          "name": "school-2",
          "address": "127.0.9.2:50051",
          "calls": 2,
          "share": 0.4
        }
      ]
    }
  ]
}
"#;

#[test]
fn a_demo() {
    assert_eq!(demo(&reports()), DEMO);
}

#[test]
fn an_act_with_a_killed_pod() {
    let document: serde_json::Value = serde_json::from_str(&demo(&[trouble()])).expect("JSON");
    let act = &document["acts"][0];
    assert_eq!((&act["pods"][0]["end"], &act["pods"][1]["end"]), (&"killed".into(), &"drained".into()));
    assert_eq!((&act["role"], &act["verdict"]), (&"trouble".into(), &"not survived".into()));
    assert_eq!((&act["meaning"], &act["expected_warnings"]), (&"A pod dies.".into(), &"a warning".into()));
    let figures = &act["figures"];
    assert_eq!((&figures["killed_pod_out_s"], &figures["new_pod_in_s"]), (&0.012.into(), &5.0.into()));
    assert_eq!((&figures["uncounted"], &figures["outage_s"]), (&0.into(), &serde_json::Value::Null));
}

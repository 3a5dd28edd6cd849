//! A load: what it counts, and what it calls a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Output, Stdio};

use common::{Pod, evenkeel, load, poll_until, signal};
use evenkeel_testkit::raw::{Automatic, RawServer};
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_document() {
    let mut pods = [Pod::start("school-1", &[]), Pod::start("school-2", &[])];
    let target = format!("ipv4:{},{}", pods[0].address, pods[1].address);
    let (code, document) = load(&[&target, "-n", "400", "-c", "4", "--wait-for-ready", "--timeout", "30s"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(
        keys(&document),
        [
            "assertions",
            "calls",
            "connected",
            "duration_s",
            "endpoints",
            "failed",
            "latency_ms",
            "no_pod",
            "ok",
            "schema_version",
            "target"
        ]
    );
    assert_eq!((&document["schema_version"], &document["target"]), (&1.into(), &target.into()));
    assert_eq!((&document["calls"], &document["ok"]), (&400.into(), &400.into()));
    assert_eq!(document["failed"], serde_json::json!({}));
    assert_eq!(keys(&document["latency_ms"]), ["max", "p50", "p90", "p99", "p999"]);
    let latency = |name: &str| document["latency_ms"][name].as_f64().unwrap();
    assert!(0.0 < latency("p50") && latency("p50") <= latency("p90"));
    assert!(latency("p90") <= latency("p99") && latency("p99") <= latency("max"));

    let endpoints = document["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 2);
    for (endpoint, pod) in endpoints.iter().zip(&mut pods) {
        assert_eq!(
            keys(endpoint),
            [
                "address",
                "answered",
                "calls",
                "failed",
                "first_call_s",
                "last_call_s",
                "latency_ms",
                "messages",
                "name",
                "share"
            ]
        );
        assert!(endpoint["latency_ms"]["p99"].as_f64() <= document["latency_ms"]["max"].as_f64());
        assert_eq!(endpoint["address"], *pod.address);
        assert_eq!(endpoint["calls"], pod.calls(), "as the pod counted");
        let share = endpoint["calls"].as_f64().unwrap() / 400.0;
        assert!((endpoint["share"].as_f64().unwrap() - share).abs() < 1e-3);
        assert!(endpoint["first_call_s"].as_f64() <= endpoint["last_call_s"].as_f64());
        assert!(endpoint["last_call_s"].as_f64() <= document["duration_s"].as_f64());
    }
    assert_eq!((&endpoints[0]["name"], &endpoints[1]["name"]), (&"school-1".into(), &"school-2".into()));
}

#[test]
fn a_pod_that_is_not_there_fails_the_load() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, document) = load(&[&format!("ipv4:{closed}"), "-n", "2"]);
    assert_eq!((code, &document["failed"]), (1, &serde_json::json!({"UNAVAILABLE": 2})));
    assert_eq!(document["endpoints"], serde_json::json!([]));
    let connected = &document["connected"];
    assert_eq!(
        (&connected["endpoints"], &connected["ready"], &connected["failed"]),
        (&1.into(), &0.into(), &1.into())
    );
    assert_eq!(document["no_pod"]["failed"], document["failed"]);
    let message = document["no_pod"]["messages"]["UNAVAILABLE"].as_str().unwrap();
    assert!(message.contains(&closed.to_string()), "{message}");
    let text =
        String::from_utf8(common::run(&["load", &format!("ipv4:{closed}"), "-n", "2"]).stdout).unwrap();
    assert!(text.contains("connected to 0 of 1 endpoint in ") && text.contains(message), "{text}");
}

#[test]
fn every_pod_has_its_share_from_the_first_call_on() {
    let pods = ["school-1", "school-2", "school-3", "school-4"].map(|name| Pod::start(name, &[]));
    let target = format!("ipv4:{}", pods.each_ref().map(|pod| pod.address.clone()).join(","));
    let (code, document) =
        load(&[&target, "-n", "20", "-c", "1", "--timeout", "30s", "--assert", "max-share=0.25"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(
        (&document["connected"]["ready"], &document["connected"]["endpoints"]),
        (&4.into(), &4.into())
    );
    assert!(document["connected"]["took_s"].as_f64().unwrap() < 5.0, "{document}");
}

#[test]
fn a_pod_that_is_not_there_does_not_hold_the_others_up() {
    let pod = Pod::start("school-1", &[]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, document) = load(&[&format!("ipv4:{},{closed}", pod.address), "-n", "5", "--timeout", "30s"]);
    let connected = &document["connected"];
    assert_eq!(code, 0, "{document}");
    assert_eq!(
        (&connected["ready"], &connected["failed"], &connected["endpoints"]),
        (&1.into(), &1.into(), &2.into())
    );
}

#[test]
fn whichever_comes_first() {
    let pod = Pod::start("school-1", &["--delay", "10ms"]);
    for pace in [&["-c", "1"][..], &["--rate", "50"]] {
        let of = |words: &[&str]| {
            let target = pod.target();
            let all: Vec<&str> =
                [target.as_str(), "--timeout", "30s"].into_iter().chain(words.iter().copied()).collect();
            let (code, document) = load(&[&all, pace].concat());
            assert_eq!(code, 0, "{document}");
            document["calls"].as_u64().unwrap()
        };
        assert_eq!(of(&["-n", "7", "-z", "1h"]), 7);
        assert!(of(&["-n", "1000000", "-z", "300ms"]) < 1000);
    }
}

#[test]
fn latency_can_be_demanded() {
    let pod = Pod::start("slow", &["--delay", "50ms"]);
    let of = |demand: &str| load(&[&pod.target(), "-n", "4", "--timeout", "30s", "--assert", demand]);
    assert_eq!(of("p99=30s").0, 0);
    let (code, document) = of("p50=10ms");
    assert_eq!((code, &document["assertions"][0]["assert"]), (1, &"p50=10ms".into()));
    assert!(document["assertions"][0]["but"].as_str().unwrap().ends_with(" ms"), "{document}");
}

#[test]
fn calls_on_schedule_do_not_wait_for_one_another() {
    let pod = Pod::start("slow", &["--delay", "1s"]);
    let (code, document) = load(&[&pod.target(), "--rate", "100", "-n", "40", "-c", "1", "--timeout", "1m"]);
    assert_eq!((code, &document["ok"]), (0, &40.into()), "{document}");
    // One after the other they would take 40 s.
    assert!(document["duration_s"].as_f64().unwrap() < 20.0, "{document}");
    assert!(document["latency_ms"]["p50"].as_f64().unwrap() >= 1000.0, "{document}");
}

/// A pod would say itself that the deadline has passed, and sometimes sooner than the client does.
#[tokio::test]
async fn calls_that_nobody_answers_are_failures_of_the_pod_they_were_made_to() {
    let server = RawServer::start(Automatic::default()).await;
    let target = server.target();
    let load = move || load(&[&target, "-n", "3", "--timeout", "100ms"]);
    let (code, document) = tokio::task::spawn_blocking(load).await.unwrap();
    assert_eq!((code, &document["failed"]), (1, &serde_json::json!({"DEADLINE_EXCEEDED": 3})));
    let pods = document["endpoints"].as_array().unwrap();
    let address = server.address().to_string();
    assert_eq!(
        (pods.len(), &pods[0]["address"], &pods[0]["calls"]),
        (1, &address.as_str().into(), &3.into())
    );
    assert_eq!((&pods[0]["answered"], &pods[0]["share"]), (&0.into(), &1.0.into()), "all were made to it");
    let message = pods[0]["messages"]["DEADLINE_EXCEEDED"].as_str().unwrap();
    assert!(message.contains(&address), "{message}");
    assert_eq!(pods[0]["failed"], document["failed"], "whom the calls were on");
}

#[test]
fn health_of_a_pod() {
    let pod = Pod::start("school-1", &[]);
    let (code, document) = load(&[&pod.target(), "--method", "grpc.health.v1.Health/Check", "-n", "5"]);
    assert_eq!(code, 0, "{document}");
    // The layer that signs answers is the program's, and health stands outside of it.
    assert_eq!(document["endpoints"][0]["name"], pod.address);
}

#[tokio::test]
async fn any_server_is_named_by_its_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(health).serve_with_incoming(incoming));

    let target = format!("ipv4:{address}");
    let (code, document) = tokio::task::spawn_blocking(move || {
        load(&[&target, "--method", "/grpc.health.v1.Health/Check", "-n", "5"])
    })
    .await
    .unwrap();
    assert_eq!(code, 0, "{document}");
    let endpoint = &document["endpoints"][0];
    assert_eq!(
        (&endpoint["name"], &endpoint["address"]),
        (&address.as_str().into(), &address.as_str().into())
    );
    assert_eq!(endpoint["calls"], 5);
}

#[test]
fn ctrl_c_ends_it_with_its_summary() {
    for pace in [&[][..], &["--rate", "100"]] {
        let mut pod = Pod::start("school-1", &[]);
        let mut child = evenkeel(&["load", &pod.target(), "-z", "1h", "-o", "json", "--timeout", "30s"])
            .args(pace)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        poll_until(|| pod.calls() > 0);
        signal(child.id(), "INT");
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{pace:?}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["calls"], pod.calls(), "calls in flight have ended and count: {pace:?}");
    }
}

#[test]
fn signals_that_end_it_by_its_verdict() {
    for (name, bound) in [("TERM", &["-z", "1h"][..]), ("INT", &["--forever"])] {
        let mut pod = Pod::start("school-1", &[]);
        let target = pod.target();
        let child = evenkeel(&["load", &target, "--timeout", "30s"])
            .args(bound)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        poll_until(|| pod.calls() > 0);
        signal(child.id(), name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("school-1"), "{name}");
    }
}

#[test]
fn people_get_a_table_without_escapes_where_there_is_no_terminal() {
    let pod = Pod::start("school-1", &[]);
    let output = common::run(&["load", &pod.target(), "-n", "10"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("10 calls") && text.contains("school-1") && text.contains("100.0 %"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_demanded_decides_the_exit_status() {
    // Slow enough for both to be connected long before the last call.
    let pods = ["school-1", "school-2"].map(|name| Pod::start(name, &["--delay", "10ms"]));
    let target = format!("ipv4:{},{}", pods[0].address, pods[1].address);
    let calls = ["-n", "60", "-c", "1", "--wait-for-ready", "--timeout", "30s"];
    let demanded = |demands: &[&str]| {
        let mut words = vec![target.as_str()];
        words.extend(calls);
        words.extend(demands.iter().flat_map(|demand| ["--assert", demand]));
        load(&words)
    };
    let (code, document) = demanded(&["pods=2", "max-share=0.9", "failed=0"]);
    assert_eq!(code, 0, "{document}");
    let holds: Vec<_> = document["assertions"].as_array().unwrap().iter().map(|one| &one["holds"]).collect();
    assert_eq!(holds, [true, true, true]);
    let (code, document) = demanded(&["pods=3", "max-share=0.1"]);
    assert_eq!(code, 1);
    assert_eq!(document["assertions"][0]["but"], "2 answered", "{document}");
    assert!(document["assertions"][1]["but"].as_str().unwrap().contains(" % of the calls"), "{document}");

    let mut words = vec!["load", target.as_str()];
    words.extend(calls);
    words.extend(["--assert", "pods=3"]);
    let output = common::run(&words);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("DOES NOT HOLD  pods=3: 2 answered"), "{text}");
    assert!(
        common::stderr(&Output { stdout: Vec::new(), ..output }).contains("pods=3 does not hold: 2 answered")
    );
}

#[test]
fn failed_calls_can_be_allowed() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = format!("ipv4:{closed}");
    assert_eq!(load(&[&target, "-n", "2", "--assert", "failed=2"]).0, 0);
    assert_eq!(load(&[&target, "-n", "2", "--assert", "failed=1"]).0, 1);
}

#[test]
fn for_ever_prints_a_line_per_interval() {
    for (output, is_json) in [("table", false), ("json", true)] {
        let pod = Pod::start("school-1", &[]);
        let target = pod.target();
        let mut child =
            evenkeel(&["load", &target, "--forever", "--interval", "200ms", "--rate", "50", "-o", output])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut first: Vec<String> = lines.by_ref().take(3).collect();
        while !first.last().is_some_and(|line| line.contains("school-1")) {
            first.extend(lines.next());
        }
        signal(child.id(), "TERM");
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{first:?}{rest:?}");
        for line in &first {
            if is_json {
                let document: Value = serde_json::from_str(line).unwrap();
                assert!(document["time"].as_str().unwrap().ends_with('Z'), "{line}");
                assert!((0.1..5.0).contains(&document["duration_s"].as_f64().unwrap()), "{line}");
            } else {
                assert!(line.contains(" calls  ") && line.contains(" failed"), "{line}");
            }
        }
        let last = rest.last().expect("the end");
        assert_eq!(serde_json::from_str::<Value>(last).is_ok(), is_json, "{last}");
        assert!(is_json || rest.iter().any(|line| line.starts_with("POD ")), "{rest:?}");
    }
}

#[test]
fn a_reader_that_has_gone_does_not_make_a_failure_a_success() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = evenkeel(&["load", &format!("ipv4:{closed}"), "-n", "2", "--assert", "pods=1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

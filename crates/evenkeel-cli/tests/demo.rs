//! The whole play, on the real command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]
#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{evenkeel, poll_until, run, signal, stderr};
use serde_json::Value;

#[test]
fn every_claim_holds() {
    let start = Instant::now();
    // Kept: the page is looked at in a browser by `.ci/run`.
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-report.html");
    let output = run(&["demo", "--json", "--report", page.to_str().unwrap()]);
    let took = start.elapsed();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert_eq!(output.status.code(), Some(0), "{document:#}");
    assert_eq!((&document["schema_version"], &document["holds"]), (&1.into(), &true.into()));
    assert!(took < Duration::from_secs(60), "{took:?}");

    let acts = document["acts"].as_array().unwrap();
    let ids: Vec<_> = acts.iter().map(|act| act["id"].as_str().unwrap()).collect();
    let balance = ["clusterip", "headless", "stale", "max-connection-age", "ttl-refresh"];
    let trouble = ["kill", "rolling-restart", "dns-outage"];
    assert_eq!(ids, [balance.as_slice(), &trouble].concat());
    the_page_shows(&page, acts);
    let said: Vec<_> = acts.iter().map(|act| (&act["role"], &act["verdict"])).collect();
    let (problem, remedy) = ((&"problem".into(), &"shown".into()), (&"remedy".into(), &"holds".into()));
    let trouble = (&"trouble".into(), &"survived".into());
    assert_eq!(said, [problem, remedy, problem, remedy, remedy, trouble, trouble, trouble]);
    // What the acts make a client warn of is no failure of the demo's.
    let alarming = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    assert_eq!(stderr(&output).lines().filter(alarming).collect::<Vec<_>>(), [""; 0]);
    for act in acts {
        assert_eq!((&act["holds"], &act["figures"]["counts_agree"]), (&true.into(), &true.into()), "{act:#}");
        let pods = act["pods"].as_array().unwrap();
        let calls: u64 = pods.iter().map(|pod| pod["calls"].as_u64().unwrap()).sum();
        let number = |figure: &str| act["figures"][figure].as_u64().unwrap_or(0);
        // A killed pod takes its last calls' count with it, and a call that it lost may or may not be in what it said.
        let counted = calls + number("uncounted");
        let called = number("calls") - number("failed")..=number("calls");
        assert!(called.contains(&counted), "what pods counted is what was called: {act:#}");
        let is_killed = |pod: &Value| pod["end"] == "killed";
        assert!(act["id"] == "kill" || number("failed") == 0 && !pods.iter().any(is_killed), "{act:#}");
        for pod in pods {
            let address = pod["address"].as_str().unwrap();
            assert!(TcpStream::connect(address).is_err(), "{} is still there", pod["name"]);
        }
    }
}

fn the_page_shows(page: &Path, acts: &[Value]) {
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("role=\"img\"").count(), acts.len(), "a chart per act");
    for act in acts {
        assert!(page.contains(act["id"].as_str().unwrap()), "{act:#}");
        for pod in act["pods"].as_array().unwrap() {
            assert!(page.contains(pod["address"].as_str().unwrap()), "{pod:#}");
        }
    }
    for mark in [
        "school-4, school-5 in DNS",
        "school-6 in DNS",
        "SIGKILL",
        "SIGTERM",
        "NXDOMAIN",
        "GOAWAY",
        "the channel learns",
    ] {
        assert!(page.contains(mark), "{mark}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_the_play() {
    let output = run(&["demo", "--report", "/nowhere/report.html"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("/nowhere/report.html"), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "no act was played");
}

#[test]
fn a_play_that_is_broken_off_leaves_the_report_of_the_last_one_alone() {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept-report.html");
    std::fs::write(&page, "the last one").unwrap();
    let mut child = evenkeel(&["demo", "--report", page.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("act 1 of 8")), "it ended before its first act");
    std::thread::spawn(move || lines.for_each(drop));
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "the last one");
}

/// A demo that has come to its second act, and its pods' process ids.
fn demo_in_its_second_act() -> (Child, Vec<u32>) {
    let mut child = evenkeel(&["demo"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reached = lines.any(|line| line.unwrap().starts_with("act 2 of 8"));
    assert!(reached, "it ended before its second act");
    // Whoever writes to a closed pipe stumbles: somebody keeps reading.
    std::thread::spawn(move || lines.for_each(drop));
    let pods = children_of(child.id());
    assert!(pods.len() >= 6, "acts 1 and 2 have three pods, and the act beside them three or more");
    (child, pods)
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&id| stat(id).is_some_and(|(_, of)| of == parent)).collect()
}

/// A process' state letter and its parent.
fn stat(id: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
    // The name before them may hold anything, so count from its end.
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// Waits until none of these processes runs any more; if one never ends, neither does the test.
fn wait_for_end(pods: &[u32]) {
    poll_until(|| !pods.iter().any(|&pod| stat(pod).is_some_and(|(state, _)| state != 'Z')));
}

#[test]
fn however_a_demo_ends_its_pods_end_and_two_do_not_clash() {
    // All at once: if they clashed, one would not come to its second act.
    let demos: Vec<_> = ["INT", "TERM", "KILL"].map(|name| (name, demo_in_its_second_act())).into();
    for (name, (mut demo, pods)) in demos {
        signal(demo.id(), name);
        let status = demo.wait().unwrap();
        let expected = if name == "KILL" { None } else { Some(3) };
        assert_eq!(status.code(), expected, "SIG{name}");
        wait_for_end(&pods);
    }
}

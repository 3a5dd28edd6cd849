//! What a name resolves to: once, side by side, and over time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, ChildStdout, Output, Stdio};

use common::{evenkeel, run, signal, stderr};
use evenkeel_testkit::dns::{DnsServer, RecordType, Reply};
use serde_json::Value;

const NAME: &str = "school-internal-headless.prod.svc.cluster.local";

fn ips(last: &[u8]) -> Vec<IpAddr> {
    last.iter().map(|last| Ipv4Addr::new(10, 244, 0, *last).into()).collect()
}

/// A DNS server that knows the headless name, and the ClusterIP's.
async fn server(pods: &[u8]) -> DnsServer {
    let server = DnsServer::start().await.unwrap();
    server.set_addresses(NAME, 5, ips(pods));
    server.set_addresses("school-internal.prod.svc.cluster.local", 5, ips(&[200]));
    server
}

fn target(server: &DnsServer, name: &str) -> String {
    format!("dns://{}/{name}.:50051", server.address())
}

async fn output(words: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || run(&words.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap()
}

async fn json(words: Vec<String>) -> (Option<i32>, Value) {
    let output = output(words).await;
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", stderr(&output), String::from_utf8_lossy(&output.stdout))
    });
    (output.status.code(), value)
}

fn words(fixed: &[&str], targets: &[String]) -> Vec<String> {
    ["resolve"].iter().chain(fixed).map(|word| (*word).to_owned()).chain(targets.iter().cloned()).collect()
}

#[tokio::test]
async fn the_two_names_of_one_service() {
    let server = server(&[5, 6, 7]).await;
    let targets = [target(&server, "school-internal.prod.svc.cluster.local"), target(&server, NAME)];
    let output = output(words(&[], &targets)).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("all calls of a channel stick to one pod"), "{text}");
    assert!(text.contains("3 addresses: calls go to each in turn"), "{text}");
    assert!(text.contains("10.244.0.7:50051") && text.contains("5 s remaining"), "{text}");
    assert!(text.contains(" stick to one connection, calls to ") && !text.contains('\x1b'), "{text}");

    let (code, document) = json(words(&["-o", "json"], &targets)).await;
    assert_eq!(code, Some(0));
    let [one, other] = document["targets"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!((&one["verdict"], &other["verdict"]), (&"single".into(), &"several".into()));
    assert_eq!(
        other["endpoints"],
        serde_json::json!(["10.244.0.5:50051", "10.244.0.6:50051", "10.244.0.7:50051"])
    );
    assert_eq!(other["ttl_s"], 5.0);
    let next = other["next_lookup_s"].as_f64().unwrap();
    assert!((5.0..=5.75).contains(&next), "{next}");
    let queries = other["queries"].as_array().unwrap();
    let of = |kind: &str| queries.iter().find(|query| query["type"] == kind).unwrap();
    assert_eq!((&of("A")["transport"], &of("A")["truncated"]), (&"UDP".into(), &false.into()));
    assert_eq!(of("A")["server"], server.address().to_string());
    assert_eq!(of("A")["addresses"].as_array().map(Vec::len), Some(3));
    assert!(
        of("A")["size"].as_u64() > Some(12) && of("A")["round_trip_ms"].as_f64() > Some(0.0),
        "{document}"
    );
    assert!(document["comparison"].is_string());
}

#[tokio::test]
async fn too_many_pods_for_a_datagram() {
    let server = DnsServer::start().await.unwrap();
    server.set(NAME, RecordType::A, Reply::addresses(5, ips(&(0..200).collect::<Vec<_>>())));
    server.set(NAME, RecordType::Aaaa, Reply::no_data());
    let (code, document) = json(words(&["-o", "jsonl"], &[target(&server, NAME)])).await;
    assert_eq!(code, Some(0));
    assert_eq!(document["endpoints"].as_array().map(Vec::len), Some(200));
    let a: Vec<_> =
        document["queries"].as_array().unwrap().iter().filter(|query| query["type"] == "A").collect();
    assert_eq!((&a[0]["transport"], &a[0]["truncated"]), (&"UDP".into(), &true.into()));
    assert_eq!((&a[1]["transport"], &a[1]["truncated"]), (&"TCP".into(), &false.into()));
    let notes = document["notes"].to_string();
    assert!(notes.contains("TCP port 53"), "{notes}");
}

#[tokio::test]
async fn nobody_there_and_nobody_to_ask_are_told_apart() {
    let server = DnsServer::start().await.unwrap();
    server.set_both("broken.test", Reply::servfail());
    let (code, document) = json(words(&["-o", "json"], &[target(&server, "absent.test")])).await;
    assert_eq!((code, &document["targets"][0]["verdict"]), (Some(1), &"absent".into()));
    assert_eq!(document["targets"][0]["queries"][0]["answer"], "nxdomain");

    let output = output(words(&["-o", "json"], &[target(&server, "broken.test")])).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("ServFail") && stderr(&output).contains(&server.address().to_string()));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["targets"][0]["verdict"], "failed");
    let query = &document["targets"][0]["queries"][0];
    assert_eq!((&query["answer"], &query["detail"]), (&"error_code".into(), &"SERVFAIL".into()));
}

#[tokio::test]
async fn what_needs_no_dns() {
    let (code, document) = json(words(&["-o", "json"], &["ipv4:127.0.0.1:1,127.0.0.1:2".to_owned()])).await;
    assert_eq!(code, Some(0));
    let target = &document["targets"][0];
    assert_eq!((&target["verdict"], &target["ttl_s"]), (&"several".into(), &Value::Null));
    assert_eq!(target["next_lookup_s"], Value::Null);
    let output = output(words(&["--watch"], &["ipv4:127.0.0.1:1".to_owned()])).await;
    assert_eq!(output.status.code(), Some(0), "nothing can change, so the watch ends");
    assert!(String::from_utf8(output.stdout).unwrap().contains("  + 127.0.0.1:1\n"));
}

#[test]
fn a_target_that_makes_no_sense_is_a_matter_of_usage() {
    let output = run(&["resolve", "unix:"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert_eq!(run(&["resolve"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_reader_that_has_gone_does_not_make_an_absent_name_a_success() {
    let server = DnsServer::start().await.unwrap();
    let target = target(&server, "absent.test");
    let code = tokio::task::spawn_blocking(move || {
        let mut child = evenkeel(&["resolve", &target]).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap().code()
    });
    assert_eq!(code.await.unwrap(), Some(1));
}

/// A running watch. Dropping it kills it.
struct Watch {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(arguments: &[&str], target: &str) -> Self {
        let mut child =
            evenkeel(&["resolve", "--watch", target]).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").unwrap()
    }

    fn change(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_per_change() {
    let server = server(&[5]).await;
    let target = target(&server, NAME);
    let mut watch = tokio::task::spawn_blocking({
        let target = target.clone();
        move || Watch::start(&["-o", "jsonl", "--refresh", "1s"], &target)
    })
    .await
    .unwrap();
    let kinds = |change: &Value| (change["change"].as_str().unwrap().to_owned(), change["endpoint"].clone());
    let first = tokio::task::block_in_place(|| watch.change());
    assert_eq!(kinds(&first), ("added".into(), "10.244.0.5:50051".into()));
    assert_eq!((&first["sequence"], &first["ttl_s"]), (&1.into(), &5.0.into()));
    assert_eq!(first["target"], target);

    server.set_addresses(NAME, 5, ips(&[6]));
    let (second, third) = tokio::task::block_in_place(|| (watch.change(), watch.change()));
    assert_eq!(kinds(&second), ("added".into(), "10.244.0.6:50051".into()));
    assert_eq!(kinds(&third), ("removed".into(), "10.244.0.5:50051".into()));

    server.set_both(NAME, Reply::servfail());
    let fourth = tokio::task::block_in_place(|| watch.change());
    assert_eq!((&fourth["change"], &fourth["sequence"]), (&"failed".into(), &4.into()));
    server.set_addresses(NAME, 5, ips(&[6]));
    assert_eq!(tokio::task::block_in_place(|| watch.change())["change"], "unchanged");

    signal(watch.child.id(), "TERM");
    assert_eq!(tokio::task::block_in_place(|| watch.child.wait()).unwrap().code(), Some(0));
}

#[test]
fn what_is_on_this_host_is_no_cluster_ip() {
    for target in ["unix:/run/school.sock", "unix-abstract:school", "ipv4:127.0.0.1:1", "ipv6:[::1]:1"] {
        let output = run(&["resolve", target, "-o", "json"]);
        assert_eq!(output.status.code(), Some(0), "{target}: {}", stderr(&output));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let answer = &document["targets"][0];
        assert_eq!(answer["verdict"], "local", "{document}");
        assert!(!answer["notes"].to_string().contains("ClusterIP"), "{document}");
    }
}

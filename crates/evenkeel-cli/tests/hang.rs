//! A pod that hangs (SIGSTOP): its process does nothing, its kernel goes on to accept and to acknowledge.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Pod;
use evenkeel::{Backoff, Channel, ChannelBuilder, ConnectivityState, Peer};
use evenkeel_load::school::stubs::GetSchoolRequest;
use evenkeel_load::school::stubs::school_client::SchoolClient;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};

/// A generous bound for what must happen.
const BOUND: Duration = Duration::from_secs(30);

fn pods() -> [Pod; 3] {
    ["school-1", "school-2", "school-3"].map(|name| Pod::start(name, &[]))
}

fn builder(pods: &[Pod; 3]) -> ChannelBuilder {
    Channel::builder(format!("ipv4:{}", pods.each_ref().map(|pod| pod.address.clone()).join(",")))
}

async fn one_call(channel: Channel, timeout: Duration) -> Result<String, Status> {
    let mut request = Request::new(GetSchoolRequest { id: 7, ..GetSchoolRequest::default() });
    request.set_timeout(timeout);
    let answer = SchoolClient::new(channel).get_school(request).await?;
    Ok(answer.extensions().get::<Peer>().expect("who answered").address().to_string())
}

/// This many calls at once: how many each pod answered, by its address, and what failed.
async fn calls(channel: &Channel, count: usize, timeout: Duration) -> (BTreeMap<String, usize>, Vec<Status>) {
    let calls: JoinSet<_> = (0..count).map(|_| one_call(channel.clone(), timeout)).collect();
    let ended =
        tokio::time::timeout(timeout + BOUND, calls.join_all()).await.expect("calls end by their deadline");
    let (mut answered, mut failed) = (BTreeMap::new(), Vec::new());
    for end in ended {
        match end {
            Ok(address) => *answered.entry(address).or_default() += 1,
            Err(status) => failed.push(status),
        }
    }
    (answered, failed)
}

/// Calls, ten at a time, until each of these pods has answered some of the ten; none may fail.
async fn until_all_answer(channel: &Channel, pods: &[Pod]) {
    let all_answer = async {
        loop {
            let (answered, failed) = calls(channel, 10, BOUND).await;
            assert!(failed.is_empty(), "{failed:?}");
            if pods.iter().all(|pod| answered.contains_key(&pod.address)) {
                return;
            }
        }
    };
    tokio::time::timeout(BOUND, all_answer).await.expect("all pods answer");
}

/// A load in which one of three pods hangs soon after the beginning: its share is of the calls made to it, which end with
/// the two seconds that it takes to be suspected.
#[test]
fn a_load_shows_what_a_pod_that_hangs_costs() {
    let pods = pods();
    let target = format!("ipv4:{}", pods.each_ref().map(|pod| pod.address.clone()).join(","));
    let words = ["load", &target, "-n", "90", "--timeout", "4s", "-o", "json", "--rate", "30"];
    let mut load = common::evenkeel(&words).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut counted = pods;
    // The second has come: the first was answered, and by that the pod is known by its name.
    common::poll_until(|| counted[0].calls() > 1);
    counted[0].signal("STOP");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut load.stdout.take().unwrap(), &mut text).unwrap();
    assert_eq!(load.wait().unwrap().code(), Some(1));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let endpoints = document["endpoints"].as_array().unwrap();
    let hung: Vec<_> = endpoints.iter().filter(|one| one["address"] == *counted[0].address).collect();
    let [hung] = hung.as_slice() else { panic!("one row for one connection: {document}") };
    assert_eq!(hung["name"], "school-1", "{document}");
    let (made, answered) = (hung["calls"].as_u64().unwrap(), hung["answered"].as_u64().unwrap());
    assert!(answered < made && made < 28, "{document}");
    assert_eq!(hung["failed"]["DEADLINE_EXCEEDED"], made - answered, "{document}");
    assert_eq!(hung["failed"]["DEADLINE_EXCEEDED"], document["failed"]["DEADLINE_EXCEEDED"]);
    assert!(hung["messages"]["DEADLINE_EXCEEDED"].as_str().unwrap().contains(&counted[0].address));
}

#[tokio::test]
async fn calls_of_a_pod_that_hangs_end_by_their_deadline_and_no_others() {
    let pods = pods();
    let [hung, healthy @ ..] = &pods;
    let channel = builder(&pods).connect().await.unwrap();
    until_all_answer(&channel, &pods).await;

    hung.signal("STOP");
    let (answered, failed) = calls(&channel, 90, Duration::from_secs(4)).await;
    assert_eq!(failed.len(), 30, "a third of them, in turn: {answered:?} {failed:?}");
    for status in &failed {
        let text = format!("deadline exceeded while waiting for an answer from {}", hung.address);
        assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, &*text));
    }
    for pod in healthy {
        assert_eq!(answered.get(&pod.address), Some(&30), "{answered:?}");
    }
    assert_eq!(channel.state(), ConnectivityState::Ready);

    hung.signal("CONT");
    until_all_answer(&channel, &pods).await;
}

#[tokio::test]
async fn a_pod_that_hangs_before_it_is_connected_to_costs_no_call() {
    let pods = pods();
    let [hung, healthy @ ..] = &pods;
    hung.signal("STOP");
    let backoff = Backoff::new().initial(Duration::from_millis(200));
    let channel =
        builder(&pods).connect_timeout(Duration::from_millis(300)).backoff(backoff).build().unwrap();
    until_all_answer(&channel, healthy).await;
    for _ in 0..20 {
        let (answered, failed) = calls(&channel, 10, BOUND).await;
        assert!(failed.is_empty() && !answered.contains_key(&hung.address), "{answered:?} {failed:?}");
    }

    hung.signal("CONT");
    until_all_answer(&channel, &pods).await;
}

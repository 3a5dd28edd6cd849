//! Hosts that vanish: each pod in a network namespace of its own, its link cut without a word to anybody.
//!
//! Needs `unshare`, `nsenter` and `ip` and a kernel that lets this user make network namespaces, so it is no part of
//! plain `cargo test`. `.ci/run` runs it, and says so where it cannot; by hand:
//! `cargo test -p evenkeel-cli --test black_hole`.
//! A loopback cannot show this: its kernel always acknowledges.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{RemotePod, poll_until};
use evenkeel::event::{Disconnected, Suspected};
use evenkeel::{Backoff, Channel, Event, Observer, Peer};
use evenkeel_load::school::stubs::GetSchoolRequest;
use evenkeel_load::school::stubs::school_client::SchoolClient;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Request, Status};

/// Set in the copy of this process that runs inside the namespaces.
const INSIDE: &str = "EVENKEEL_TEST_INSIDE_NAMESPACE";

/// What docs/defaults.md promises: a peer that vanished is found in under 30 s. Five more for a busy machine.
const PROMISED: Duration = Duration::from_secs(35);
/// Two seconds, and what a busy machine adds.
const SUSPECTED: Duration = Duration::from_secs(6);

/// A deadline for calls.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Runs `test` again in namespaces of its own; true inside them.
fn inside_namespaces(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare");
    assert!(status.success(), "inside the namespaces: {status}");
    false
}

fn sh(line: &str) {
    let status = Command::new("sh").args(["-ec", line]).status().expect("sh");
    assert!(status.success(), "{line}: {status}");
}

/// A network of its own for pod `n`, 10.77.n.2, joined to this one.
fn network(n: usize) {
    sh(&format!(
        "ip netns add pod{n}
         ip link add veth{n} type veth peer name eth0 netns pod{n}
         ip addr add 10.77.{n}.1/24 dev veth{n}
         ip link set veth{n} up
         ip -n pod{n} addr add 10.77.{n}.2/24 dev eth0
         ip -n pod{n} link set eth0 up
         ip -n pod{n} link set lo up"
    ));
}

/// From now on every packet between here and pod `n` goes to a network card that is not there: nothing is refused,
/// nothing is reported, nothing arrives.
fn vanish(n: usize) {
    sh(&format!(
        "ip neigh replace 10.77.{n}.2 lladdr 02:00:00:00:00:99 dev veth{n} nud permanent
         ip -n pod{n} neigh replace 10.77.{n}.1 lladdr 02:00:00:00:00:98 dev eth0 nud permanent"
    ));
}

fn come_back(n: usize) {
    sh(&format!(
        "ip neigh del 10.77.{n}.2 dev veth{n}
         ip -n pod{n} neigh del 10.77.{n}.1 dev eth0"
    ));
}

fn start_pods() -> [RemotePod; 3] {
    // `ip netns` keeps its names there; this mount namespace is our own.
    sh("mount -t tmpfs tmpfs /run && ip link set lo up");
    [1, 2, 3].map(|n| {
        network(n);
        RemotePod::start(&format!("pod{n}"), &format!("10.77.{n}.2:50051"))
    })
}

/// Which connections of a channel were suspected or lost, when, and why.
#[derive(Debug, Default)]
struct Losses {
    suspected: Mutex<Vec<Loss>>,
    lost: Mutex<Vec<Loss>>,
}

type Loss = (String, Instant, String);

impl Observer for Losses {
    fn on_event(&self, event: &Event) {
        let (connection, cause, losses) = match event {
            Event::Suspected(Suspected { connection, cause, .. }) => (connection, cause, &self.suspected),
            Event::Disconnected(Disconnected { connection, cause, .. }) => (connection, cause, &self.lost),
            _ => return,
        };
        losses.lock().unwrap().push((connection.address.to_string(), Instant::now(), cause.to_string()));
    }
}

impl Losses {
    /// When and why the endpoint's connection was lost, if it was.
    fn of(&self, address: &str) -> Option<(Instant, String)> {
        Self::first(&self.lost, address)
    }

    fn first(losses: &Mutex<Vec<Loss>>, address: &str) -> Option<(Instant, String)> {
        let losses = losses.lock().unwrap();
        losses.iter().find(|(at, ..)| at == address).map(|(_, when, why)| (*when, why.clone()))
    }
}

async fn channel(pods: &[RemotePod; 3]) -> (Channel, Arc<Losses>) {
    let losses = Arc::<Losses>::default();
    let target = format!("ipv4:{}", pods.each_ref().map(|pod| pod.address.clone()).join(","));
    let backoff = Backoff::new().initial(Duration::from_millis(500)).max(Duration::from_secs(2));
    let builder = Channel::builder(target).observer(losses.clone()).backoff(backoff);
    let channel = builder.connect_timeout(Duration::from_secs(1)).connect().await.unwrap();
    // Until all three have answered.
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 3 {
        seen.insert(call(channel.clone()).await.unwrap());
    }
    (channel, losses)
}

async fn call(channel: Channel) -> Result<String, Status> {
    let mut request = Request::new(GetSchoolRequest { id: 7, ..GetSchoolRequest::default() });
    request.set_timeout(TIMEOUT);
    let answer = SchoolClient::new(channel).get_school(request).await?;
    Ok(answer.extensions().get::<Peer>().expect("who answered").address().to_string())
}

/// Starts a call every 20 ms until `until` is done; how each one that was started after `from` ended.
async fn steady_until(
    channel: &Channel,
    until: impl AsyncFn() -> bool,
) -> Vec<(Instant, Result<String, Status>)> {
    let mut calls = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !until().await {
        ticks.tick().await;
        let channel = channel.clone();
        calls.spawn(async move { (Instant::now(), call(channel).await) });
    }
    calls.join_all().await
}

#[tokio::test]
async fn a_host_that_vanishes_is_found_by_the_kernel_and_nobody_elses_calls_notice() {
    if !inside_namespaces("a_host_that_vanishes_is_found_by_the_kernel_and_nobody_elses_calls_notice") {
        return;
    }
    let pods = start_pods();
    let bad = pods[0].address.clone();
    // One channel is busy, and found out by data that is not acknowledged; the other is quiet, and found out by probes.
    let (busy, busy_losses) = channel(&pods).await;
    let (quiet, quiet_losses) = channel(&pods).await;
    assert_eq!(pods[0].connections(), 2);

    vanish(1);
    let vanished = Instant::now();
    let found = async || {
        assert!(vanished.elapsed() < 2 * PROMISED, "never found");
        busy_losses.of(&bad).is_some() && quiet_losses.of(&bad).is_some()
    };
    let ended = steady_until(&busy, found).await;
    for (what, losses) in [("busy", &busy_losses), ("quiet", &quiet_losses)] {
        let (when, why) = losses.of(&bad).unwrap();
        let after = when - vanished;
        println!("{what}: found after {after:.1?}: {why}");
        assert!(after < PROMISED, "{what}: {after:?}");
        // Where calls wait, both clocks run for 20 s.
        let by_pings = what == "busy" && why.contains("after a PING");
        assert!(why.contains(&bad) && (by_pings || why.contains("host does not answer")), "{why}");
    }
    let (found_at, _) = Losses::first(&busy_losses.suspected, &bad).expect("calls waited for it");
    println!("busy: suspected after {:.1?}", found_at - vanished);
    assert!(found_at - vanished < SUSPECTED, "{:?}", found_at - vanished);
    assert!(Losses::first(&quiet_losses.suspected, &bad).is_none(), "nobody waited for it there");
    let failed = ended.iter().filter_map(|(at, end)| Some((at, end.as_ref().err()?)));
    for (at, status) in failed {
        assert!(status.message().contains(&bad), "not the vanished pod's: {status:?}");
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable), "{status:?}");
        assert!(*at <= found_at, "made after it was found out: {status:?}");
    }
    assert!(ended.iter().filter(|(_, end)| end.is_ok()).count() > 100);

    // The pod's own side has found out, too: nothing is left of the connections.
    poll_until(|| {
        assert!(vanished.elapsed() < 2 * PROMISED, "the server keeps {} connections", pods[0].connections());
        pods[0].connections() == 0
    });
    println!("the server's side: after {:.1?}", vanished.elapsed());

    // Attempts at it cost no call; when it is back, it is back in the rotation.
    for (_, end) in steady_until(&quiet, async || vanished.elapsed() > Duration::from_secs(40)).await {
        end.expect("no call is lost while the pod is out");
    }
    come_back(1);
    let back = Instant::now();
    while call(busy.clone()).await.unwrap() != bad {
        assert!(back.elapsed() < PROMISED, "it is not picked again");
    }
}

//! Connections that stand and carry nothing any more: the kernel still answers, so only deadlines end the calls there.

use std::net::SocketAddr;
use std::time::Duration;

use evenkeel::{Channel, TcpOptions};
use evenkeel_testkit::forwarder::Forwarder;
use evenkeel_testkit::leaks::Resources;
use evenkeel_testkit::peer::Peer;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{DEADLINE, Frame, setting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use super::support::{assert_status, assert_unavailable, call, only, ours, within};
use super::world::World;

const DEADLINE_OF_CALLS: Duration = Duration::from_secs(2);

fn assert_all_late(failed: &[Status], bad: SocketAddr) {
    assert!(!failed.is_empty());
    for status in failed {
        assert_status(status, Code::DeadlineExceeded, bad, &["waiting for an answer"]);
    }
}

#[tokio::test]
async fn a_pod_that_falls_silent_costs_only_its_own_calls_and_serves_again() {
    // With tonic's server the connection would not survive: all at once it sees more cancelled calls than it bears.
    let between = Forwarder::start(ours("hangs").await).await;
    let world = World::start_with(between.address(), DEADLINE_OF_CALLS, |builder| builder).await;
    world.bad_serves("hangs", 5).await;

    between.fall_silent();
    world.failures(20).await;
    world.goes_on().await;

    between.go_on();
    world.bad_serves("hangs", 20).await;
    assert_eq!(between.connections(), 2, "it was dialled anew beside the old connection");
    assert_all_late(&world.end().await, between.address());
}

#[tokio::test]
async fn calls_that_run_when_their_pod_falls_silent_end_at_their_deadline() {
    // With tonic's server the connection would not survive: all at once it sees more cancelled calls than it bears.
    let between = Forwarder::start(ours("hangs").await).await;
    let client = only(between.address());
    call(&client, DEADLINE).await.unwrap();
    between.fall_silent();
    let started = Instant::now();
    let calls: JoinSet<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            async move { call(&client, DEADLINE_OF_CALLS).await.expect_err("nobody answers") }
        })
        .collect();
    let failed = within("their end", calls.join_all()).await;
    assert!(started.elapsed() >= DEADLINE_OF_CALLS && started.elapsed() < DEADLINE_OF_CALLS + DEADLINE);
    assert_all_late(&failed, between.address());
    between.go_on();
    call(&client, DEADLINE).await.unwrap();
    assert_eq!(between.connections(), 1);
}

/// A server that says SETTINGS, with all the room for requests that HTTP/2 knows, and then never reads a byte.
async fn never_reads(mut stream: TcpStream) {
    let params = vec![(setting::INITIAL_WINDOW_SIZE, (1 << 31) - 1)];
    stream.write_all(&Frame::Settings { ack: false, params }.encode()).await.unwrap();
    let room = Frame::WindowUpdate { stream: 0, increment: (1 << 31) - 65_536 };
    stream.write_all(&room.encode()).await.unwrap();
    std::future::pending().await
}

/// A server that says SETTINGS and shuts the reading side of its socket: Linux goes on to acknowledge what comes.
async fn shuts_its_read_side(mut stream: TcpStream) {
    stream.write_all(&Frame::Settings { ack: false, params: Vec::new() }.encode()).await.unwrap();
    // tokio knows no such thing, so the standard library's socket does it.
    let stream = stream.into_std().unwrap();
    stream.shutdown(std::net::Shutdown::Read).unwrap();
    let mut stream = TcpStream::from_std(stream).unwrap();
    let mut rest = Vec::new();
    // The end comes at once, as nothing more is read.
    let _ = stream.read_to_end(&mut rest).await;
    std::future::pending().await
}

#[tokio::test]
async fn a_pod_that_stops_reading_costs_only_its_own_calls() {
    for peer in [Peer::start(never_reads).await, Peer::start(shuts_its_read_side).await] {
        let world = World::start_with(peer.address(), DEADLINE_OF_CALLS, |builder| builder).await;
        world.failures(20).await;
        assert!((2..=4).contains(&peer.connections()), "dialled anew, and not over and over");
        assert_all_late(&world.end().await, peer.address());
    }
}

#[tokio::test]
async fn requests_larger_than_any_buffer_end_at_their_deadline_and_leave_nothing() {
    let peer = Peer::start(never_reads).await;
    let client = only(peer.address());
    call(&client, Duration::from_millis(200)).await.expect_err("it never answers");
    let before = Resources::now().tasks;
    for _ in 0..3 {
        let calls: JoinSet<_> = (0..20)
            .map(|_| {
                let mut client = client.clone();
                let payload = vec![7; 1 << 20];
                let mut request = Request::new(EchoRequest { payload, ..EchoRequest::default() });
                request.set_timeout(Duration::from_millis(500));
                async move { client.unary(request).await.expect_err("nobody reads it") }
            })
            .collect();
        assert_all_late(&within("their end", calls.join_all()).await, peer.address());
    }
    assert_eq!(Resources::now().tasks, before, "no task stays behind");
    assert_eq!(peer.connections(), 1);
}

/// A hung process does not read, so under load its socket fills up, and then the kernel's timer runs.
#[tokio::test]
async fn a_pod_whose_socket_stays_full_is_dead_after_the_user_timeout() {
    const USER_TIMEOUT: Duration = Duration::from_secs(1);
    let peer = Peer::start(never_reads).await;
    let mut tcp = TcpOptions::default();
    tcp.user_timeout = Some(USER_TIMEOUT);
    let builder = Channel::builder(format!("ipv4:{}", peer.address())).tcp(tcp);
    let client = EchoClient::new(builder.build().unwrap());
    let started = Instant::now();
    let calls: JoinSet<_> = (0..16)
        .map(|_| {
            let mut client = client.clone();
            let payload = vec![7; 1 << 20];
            let windowful = Request::new(EchoRequest { payload, ..EchoRequest::default() });
            // No deadline: the lost connection ends them.
            async move { client.unary(windowful).await.expect_err("nobody reads it") }
        })
        .collect();
    for status in within("their end", calls.join_all()).await {
        assert_unavailable(&status, peer.address(), &["the peer's host does not answer any more"]);
    }
    assert!(started.elapsed() >= USER_TIMEOUT, "{:?}", started.elapsed());
}

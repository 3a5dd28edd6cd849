//! GOAWAY as callers see it: not at all.

use std::time::{Duration, Instant};

use evenkeel::ConnectivityState::{Connecting, Idle, Ready};
use evenkeel::Event;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Headers, RawServer, code};
use tonic::{Code, Request};

use crate::support::{NEVER, Ours, Seen, Talk, call_over, served_by, to, within};

/// Case 86 (`TestGracefulClientOnGoAway`): connections live 100 ms, calls follow one another for a second, and none
/// fails.
///
/// Calls wait for READY here: a connection that ends within a second without an answered call counts as a failed
/// attempt, which on a starved machine may happen to one of 100 ms. For connections of a second,
/// `server_suite::goaway` asserts the same of calls that do not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_graceful_client_on_go_away() {
    let server = Ours::start(|s| s.max_connection_age(Duration::from_millis(100))).await;
    let (channel, seen) = Seen::build(to(&[server.address]).wait_for_ready(true));
    let goaways = || seen.count(|event| matches!(event, Event::GoAway(_)));
    let begun = Instant::now();
    within("three GOAWAYs", async {
        while begun.elapsed() < Duration::from_secs(1) || goaways() < 3 {
            assert_eq!(served_by(&channel).await.expect("no call fails"), "ours");
        }
    })
    .await;
    server.handle.drain(NEVER);
    assert!(server.report().await.is_clean());
}

/// Case 87 (`TestServerGoAwayPendingRPC`): a stream that was there when the GOAWAY came still sends and receives; new
/// calls do not use its connection, and with the server's listener gone they fail.
#[tokio::test]
async fn test_server_go_away_pending_rpc() {
    let server = Ours::start(|s| s).await;
    let (channel, seen) = Seen::build(to(&[server.address]));
    let mut pending = Talk::open(&channel).await;
    pending.turn("before").await;
    server.handle.drain(NEVER);
    seen.until_goaway().await;
    for _ in 0..3 {
        assert_eq!(served_by(&channel).await.unwrap_err().code(), Code::Unavailable);
    }
    pending.turn("after").await;
    assert_eq!(server.service.calls(), 1);
    pending.finish().await;
    assert!(server.report().await.is_clean());
}

/// Case 90 (`TestGoAwayThenClose`): after the GOAWAY `pick_first` is IDLE, and the next call finds the second server;
/// when the first connection's socket closes in the end, only the stream that it still had is hurt.
#[tokio::test]
async fn test_go_away_then_close() {
    let mut servers =
        [RawServer::start(Automatic::default()).await, RawServer::start(Automatic::default()).await];
    let (channel, seen) = Seen::build(to(&servers.each_ref().map(RawServer::address)).policy("pick_first"));
    channel.connect().unwrap();
    let first = servers[0].accept().await;
    call_over(&channel, &first).await;
    let mut client = EchoClient::new(channel.clone());
    let running = async { client.server_stream(Request::new(EchoRequest::default())).await.unwrap() };
    let head = async {
        let (stream, _) = first.expect_request().await;
        first.headers(stream, Headers::response(), false).await;
        stream
    };
    let (running, stream) = within("the head", async { tokio::join!(running, head) }).await;
    let mut running = running.into_inner();

    servers[0].stop_listening().await;
    first.go_away(stream, code::NO_ERROR, "").await;
    seen.until_state(Idle).await;
    channel.connect().unwrap();
    let second = servers[1].accept().await;
    call_over(&channel, &second).await;
    first.message(stream, &EchoResponse::default(), false).await;
    within("a message", running.message()).await.unwrap().expect("the old stream goes on");

    drop(first);
    let status = within("a status", running.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    call_over(&channel, &second).await;
    assert_eq!(seen.states(), [Connecting, Ready, Idle, Connecting, Ready]);
    assert!(servers[1].accepted().await.is_none());
}

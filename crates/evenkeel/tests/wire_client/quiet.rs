//! Channels that nobody uses, and servers that let nobody stay.

use std::time::Duration;

use evenkeel::ConnectivityState;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Event, RawServer, code};

use super::support::{answer, builder, expect_unary, first_call, reached, unary};

/// Case 76 of gRPC-Go (`TestChannelIdleness_Enabled_NoActivity`): IDLE, the socket closed, and the next call wakes it.
#[tokio::test]
async fn test_channel_idleness_enabled_no_activity() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = builder(&server).idle_timeout(Some(Duration::from_millis(300))).build().unwrap();
    let client = EchoClient::new(channel.clone());
    let old = first_call(&server, &client).await;
    reached(&channel, ConnectivityState::Idle).await;
    old.expect_closed().await;

    let call = unary(&client, "awake");
    let new = server.accept().await;
    let (stream, _) = expect_unary(&new).await;
    new.respond(stream, &answer("awake")).await;
    call.end().await.unwrap();
}

/// Case 76 (`TestChannelIdleness_Enabled_OngoingCall`): a running call keeps the channel READY.
#[tokio::test]
async fn test_channel_idleness_enabled_ongoing_call() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = builder(&server).idle_timeout(Some(Duration::from_millis(100))).build().unwrap();
    let client = EchoClient::new(channel.clone());
    let call = unary(&client, "long");
    let connection = server.accept().await;
    let (stream, _) = expect_unary(&connection).await;
    // Several times the timeout: only time can show that it does not fire.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(channel.state(), ConnectivityState::Ready);
    connection.respond(stream, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
    reached(&channel, ConnectivityState::Idle).await;
}

#[tokio::test]
async fn a_server_that_says_goaway_at_once_is_not_dialled_in_a_hot_loop() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = builder(&server).build().unwrap();
    channel.connect().unwrap();
    for _ in 0..2 {
        let connection = server.accept().await;
        connection.go_away(0, code::NO_ERROR, "go").await;
        connection.expect_closed().await;
    }
    let opened = |number: usize| {
        let entries = server.log().entries();
        let open = entries.iter().find(|entry| entry.connection == number && entry.event == Event::Opened);
        open.map(|entry| entry.at)
    };
    let apart = opened(2).unwrap() - opened(1).unwrap();
    // gRPC's first backoff is 1 s, less 20 % at most.
    assert!(apart >= Duration::from_millis(750), "{apart:?}\n{:?}", server.log());
}

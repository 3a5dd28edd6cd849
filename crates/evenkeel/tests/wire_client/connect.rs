//! From the first call to READY.

use std::time::Duration;

use evenkeel::{CauseKind, ConnectError, ConnectivityState, Event};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Event as Wire, Frame, RawServer, setting};

use super::support::{
    Events, answer, assert_unavailable, builder, channel, client, expect_unary, first_call, reached,
    requests, unary,
};

fn channel_states(events: &Events) -> Vec<ConnectivityState> {
    let to = |event: &Event| match event {
        Event::ChannelState(change) => Some(change.to),
        _ => None,
    };
    events.all().iter().filter_map(to).collect()
}

#[tokio::test]
async fn ready_only_after_the_servers_settings() {
    let server = RawServer::start(Automatic::silent()).await;
    let channel = channel(&server);
    assert_eq!(channel.state(), ConnectivityState::Idle);
    let call = unary(&EchoClient::new(channel.clone()), "waits");

    let connection = server.accept().await;
    connection.expect("the client's SETTINGS", |frame| matches!(frame, Frame::Settings { .. })).await;
    assert_eq!(channel.state(), ConnectivityState::Connecting);
    assert_eq!(requests(&connection), 0);

    connection.settings(&[]).await;
    reached(&channel, ConnectivityState::Ready).await;
    let (stream, text) = expect_unary(&connection).await;
    assert_eq!(text, "waits");
    connection.respond(stream, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_never_ready() {
    let server = RawServer::start(Automatic::silent()).await;
    let events = Events::new();
    let limited = builder(&server).connect_timeout(Duration::from_millis(200)).observer(events.clone());
    let call = unary(&EchoClient::new(limited.build().unwrap()), "never sent");

    assert_unavailable(&call.status().await, &server, "settings");
    assert_eq!(
        channel_states(&events)[..2],
        [ConnectivityState::Connecting, ConnectivityState::TransientFailure]
    );
    let connection = server.accept().await;
    connection.expect_closed().await;
    assert_eq!(requests(&connection), 0);
}

#[tokio::test]
async fn who_connects_learns_of_which_kind_the_failure_was() {
    let mut refusing = RawServer::start(Automatic::default()).await;
    refusing.stop_listening().await;
    let silent = RawServer::start(Automatic::silent()).await;
    let limited = builder(&silent).connect_timeout(Duration::from_millis(200));
    for (builder, expected) in [(builder(&refusing), CauseKind::Refused), (limited, CauseKind::TimedOut)] {
        let Err(ConnectError::Unavailable { cause }) = builder.connect().await else { panic!() };
        assert_eq!(cause.kind(), expected, "{cause}");
    }
}

#[tokio::test]
async fn the_connection_opens_with_the_windows_and_limits_of_the_defaults() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;

    let log = server.log().entries();
    let preface = log.iter().position(|entry| entry.event == Wire::Preface);
    let settings = log.iter().position(|entry| matches!(entry.event, Wire::Received(Frame::Settings { .. })));
    assert!(preface.is_some() && preface < settings, "{:?}", server.log());

    let received = connection.received();
    let Some(Frame::Settings { ack: false, params }) = received.first() else { panic!("{received:?}") };
    let value = |id: u16| params.iter().find(|(i, _)| *i == id).map(|(_, value)| *value);
    assert_eq!(value(setting::INITIAL_WINDOW_SIZE), Some(1 << 20));
    assert_eq!(value(setting::MAX_HEADER_LIST_SIZE), Some(16 << 10));
    assert_eq!(value(setting::ENABLE_PUSH), Some(0));
    let grown: u32 = received
        .iter()
        .filter_map(|frame| match frame {
            Frame::WindowUpdate { stream: 0, increment } => Some(*increment),
            _ => None,
        })
        .sum();
    assert!(grown + 65_535 >= 4 << 20, "the connection's window: {grown}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_http2_is_a_transient_failure() {
    let server = RawServer::start(Automatic::silent()).await;
    let client = client(&server);
    let call = unary(&client, "never sent");
    let connection = server.accept().await;
    connection.send_bytes(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    connection.half_close().await;
    assert_unavailable(&call.status().await, &server, "");
}

//! SETTINGS_MAX_CONCURRENT_STREAMS: what is over the limit waits here, in order, where it can still be taken back.

use std::time::Duration;

use evenkeel::ConnectivityState;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, RawServer, setting};
use tonic::{Code, Request};

use super::support::{
    answer, channel, client, expect_unary, first_call, message, reached, requests, unary, unary_request,
};

fn limited(streams: u32) -> Automatic {
    Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, streams)])
}

#[tokio::test]
async fn with_zero_streams_calls_wait_until_the_server_raises_the_limit() {
    let server = RawServer::start(limited(0)).await;
    let channel = channel(&server);
    channel.connect().unwrap();
    let connection = server.accept().await;
    reached(&channel, ConnectivityState::Ready).await;
    let call = unary(&EchoClient::new(channel), "patient");
    connection.barrier().await;
    assert_eq!(requests(&connection), 0);

    connection.settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)]).await;
    let (stream, text) = expect_unary(&connection).await;
    assert_eq!(text, "patient");
    connection.respond(stream, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_nothing_is_sent() {
    let server = RawServer::start(limited(0)).await;
    let client = client(&server);
    let mut request = Request::new(message("late"));
    request.set_timeout(Duration::from_millis(200));
    let call = unary_request(&client, request);
    let connection = server.accept().await;
    assert_eq!(call.status().await.code(), Code::DeadlineExceeded);
    connection.settings(&[(setting::MAX_CONCURRENT_STREAMS, 10)]).await;
    connection.barrier().await;
    assert_eq!(requests(&connection), 0);
}

#[tokio::test]
async fn with_one_stream_calls_go_one_at_a_time_in_their_order() {
    let server = RawServer::start(limited(1)).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut calls = Vec::new();
    for i in 0..5 {
        calls.push(unary(&client, &i.to_string()));
        // The call has reached the wait before the next one starts.
        connection.barrier().await;
    }
    for (i, call) in calls.into_iter().enumerate() {
        let (stream, text) = expect_unary(&connection).await;
        assert_eq!(text, i.to_string());
        connection.barrier().await;
        assert_eq!(requests(&connection), i + 2);
        connection.respond(stream, &answer(&text)).await;
        assert_eq!(call.end().await.unwrap().payload, text.as_bytes());
    }
}

#[tokio::test]
async fn a_call_given_up_while_it_waits_does_not_hold_its_place() {
    let server = RawServer::start(limited(1)).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let running = unary(&client, "running");
    let (stream, _) = expect_unary(&connection).await;
    let dropped = unary(&client, "dropped");
    connection.barrier().await;
    let last = unary(&client, "last");
    connection.barrier().await;
    drop(dropped);
    connection.respond(stream, &answer("done")).await;
    running.end().await.unwrap();

    let (stream, text) = expect_unary(&connection).await;
    assert_eq!(text, "last");
    connection.respond(stream, &answer("done")).await;
    last.end().await.unwrap();
    assert_eq!(requests(&connection), 3);
}

#[tokio::test]
async fn a_raised_limit_lets_as_many_go_and_a_lowered_one_holds_the_next() {
    let server = RawServer::start(limited(1)).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let calls: Vec<_> = (0..4).map(|i| unary(&client, &i.to_string())).collect();
    let first = expect_unary(&connection).await;
    connection.settings(&[(setting::MAX_CONCURRENT_STREAMS, 3)]).await;
    let second = expect_unary(&connection).await;
    let third = expect_unary(&connection).await;
    connection.settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)]).await;
    connection.barrier().await;
    assert_eq!(requests(&connection), 4);

    // Two of three finish: one still runs, and one is the limit.
    connection.respond(first.0, &answer("0")).await;
    connection.respond(second.0, &answer("1")).await;
    connection.barrier().await;
    assert_eq!(requests(&connection), 4);
    connection.respond(third.0, &answer("2")).await;
    let last = expect_unary(&connection).await;
    connection.respond(last.0, &answer("3")).await;
    for call in calls {
        call.end().await.unwrap();
    }
}

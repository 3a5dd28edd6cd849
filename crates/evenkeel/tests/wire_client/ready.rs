//! wait-for-ready and its default, fail-fast, while nobody listens.

use std::time::Duration;

use evenkeel::{CallOptions, ConnectivityState};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, RawServer};
use tonic::{Code, Request};

use super::support::{
    answer, assert_unavailable, builder, channel, expect_unary, message, reached, unary, unary_request,
};

/// A server's address on which nobody listens.
async fn nobody() -> RawServer {
    let mut server = RawServer::start(Automatic::default()).await;
    server.stop_listening().await;
    server
}

fn waiting(text: &str, wait: bool) -> Request<EchoRequest> {
    let mut request = Request::new(message(text));
    request.extensions_mut().insert(CallOptions::new().wait_for_ready(wait));
    request
}

#[tokio::test]
async fn by_default_a_call_fails_when_nobody_listens() {
    let server = nobody().await;
    let channel = channel(&server);
    let client = EchoClient::new(channel.clone());
    // The first call waits for the first attempt, the second meets its outcome.
    for _ in 0..2 {
        assert_unavailable(&unary(&client, "fails").status().await, &server, "refused");
    }
    assert_eq!(channel.state(), ConnectivityState::TransientFailure);
}

#[tokio::test]
async fn a_call_that_asks_for_it_waits_until_somebody_listens() {
    let server = nobody().await;
    let channel = channel(&server);
    let client = EchoClient::new(channel.clone());
    let patient = unary_request(&client, waiting("patient", true));
    reached(&channel, ConnectivityState::TransientFailure).await;
    assert_unavailable(&unary(&client, "fails").status().await, &server, "refused");

    let server = RawServer::start_on(server.address(), Automatic::default()).await;
    let connection = server.accept().await;
    let (stream, text) = expect_unary(&connection).await;
    assert_eq!(text, "patient");
    connection.respond(stream, &answer("done")).await;
    assert_eq!(patient.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn a_channel_can_wait_for_all_its_calls_and_a_call_can_refuse_to() {
    let server = nobody().await;
    let channel = builder(&server).wait_for_ready(true).build().unwrap();
    let client = EchoClient::new(channel.clone());
    let patient = unary(&client, "patient");
    reached(&channel, ConnectivityState::TransientFailure).await;
    let hasty = unary_request(&client, waiting("hasty", false));
    assert_unavailable(&hasty.status().await, &server, "refused");

    let server = RawServer::start_on(server.address(), Automatic::default()).await;
    let connection = server.accept().await;
    let (stream, text) = expect_unary(&connection).await;
    assert_eq!(text, "patient");
    connection.respond(stream, &answer("done")).await;
    patient.end().await.unwrap();
}

#[tokio::test]
async fn a_deadline_ends_the_wait() {
    let server = nobody().await;
    let client = EchoClient::new(channel(&server));
    let mut request = waiting("patient", true);
    request.set_timeout(Duration::from_millis(300));
    let status = unary_request(&client, request).status().await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

//! `grpc-timeout`: on the wire, and enforced here over the whole call.

use std::time::Duration;

use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Headers, RawServer, code};
use tonic::{Code, Request};

use super::support::{
    answer, blamed, channel, client, first_call, message, requests, unary, unary_request, within,
};

fn timed(text: &str, timeout: Duration) -> Request<EchoRequest> {
    let mut request = Request::new(message(text));
    request.set_timeout(timeout);
    request
}

/// Reads `grpc-timeout` as gRPC defines it: at most eight digits and a unit.
fn parse(value: &str) -> Duration {
    let (digits, unit) = value.split_at(value.len() - 1);
    assert!((1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()), "{value}");
    let amount: u64 = digits.parse().unwrap();
    match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        other => panic!("not a unit: {other}"),
    }
}

#[tokio::test]
async fn the_timeout_on_the_wire_is_at_most_what_was_set() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for seconds in [30, 3_600, 100 * 24 * 3_600] {
        let set = Duration::from_secs(seconds);
        let call = unary_request(&client, timed("timed", set));
        let (stream, headers) = connection.expect_request().await;
        let sent = parse(headers.get("grpc-timeout").expect("a grpc-timeout"));
        assert!(sent <= set && sent > set / 2, "{set:?} was sent as {sent:?}");
        connection.respond(stream, &answer("done")).await;
        call.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_second_attempt_has_only_the_time_that_is_left() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary_request(&client, timed("again", Duration::from_secs(60)));
    let (stream, first) = connection.expect_request().await;
    // Time must pass between the attempts for the second to have less of it.
    tokio::time::sleep(Duration::from_millis(20)).await;
    connection.reset(stream, code::REFUSED_STREAM).await;
    let (stream, second) = connection.expect_request().await;
    let left = |headers: &Headers| parse(headers.get("grpc-timeout").expect("a grpc-timeout"));
    assert!(left(&second) + Duration::from_millis(15) <= left(&first), "{first:?}, then {second:?}");
    connection.respond(stream, &answer("done")).await;
    call.end().await.unwrap();
}

#[tokio::test]
async fn expiry_before_the_head_resets_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary_request(&client, timed("slow", Duration::from_millis(200)));
    let (stream, _) = connection.expect_request().await;
    let status = call.status().await;
    assert_eq!((status.code(), blamed(&status)), (Code::DeadlineExceeded, server.address().to_string()));
    assert_eq!(connection.expect_reset(stream).await, code::CANCEL);
}

#[tokio::test]
async fn expiry_in_the_middle_of_the_body_resets_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let mut client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = async {
        let request = timed("many", Duration::from_millis(500));
        let mut stream = client.server_stream(request).await.unwrap().into_inner();
        assert_eq!(stream.message().await.unwrap().unwrap().payload, b"one");
        stream.message().await.expect_err("the deadline ends the stream")
    };
    let serve = async {
        let (stream, _) = connection.expect_request().await;
        connection.headers(stream, Headers::response(), false).await;
        connection.message(stream, &answer("one"), false).await;
        assert_eq!(connection.expect_reset(stream).await, code::CANCEL);
    };
    let (status, ()) = within("the deadline", async { tokio::join!(call, serve) }).await;
    assert_eq!((status.code(), blamed(&status)), (Code::DeadlineExceeded, server.address().to_string()));
}

#[tokio::test]
async fn the_wait_for_a_connection_counts() {
    let server = RawServer::start(Automatic::silent()).await;
    let client = EchoClient::new(channel(&server));
    let call = unary_request(&client, timed("never sent", Duration::from_millis(200)));
    let connection = server.accept().await;
    let status = call.status().await;
    assert_eq!((status.code(), blamed(&status).as_str()), (Code::DeadlineExceeded, "nobody"));
    assert_eq!(requests(&connection), 0);
}

#[tokio::test]
async fn a_call_without_a_deadline_sends_none() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let call = unary(&client, "untimed");
    let connection = server.accept().await;
    let (stream, headers) = connection.expect_request().await;
    assert_eq!(headers.get("grpc-timeout"), None);
    connection.respond(stream, &answer("done")).await;
    call.end().await.unwrap();
}

//! Metadata that the other side does not take.

use evenkeel_testkit::raw::{Automatic, RawServer, code, setting};
use tonic::{Code, Request, Status};

use super::support::{answer, client, expect_unary, first_call, message, requests, unary, unary_request};

#[tokio::test]
async fn what_the_server_does_not_take_is_not_sent_and_not_tried_again() {
    let limited = Automatic::default().settings(&[(setting::MAX_HEADER_LIST_SIZE, 8_192)]);
    let server = RawServer::start(limited).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let running = unary(&client, "running");
    let (stream, _) = expect_unary(&connection).await;
    for length in [8_192, 70_000] {
        let mut request = Request::new(message("long"));
        request.metadata_mut().insert("x-long", "y".repeat(length).parse().unwrap());
        let status = unary_request(&client, request).status().await;
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        for words in ["takes 8192", "nothing was sent", &server.address().to_string()] {
            assert!(status.message().contains(words), "{words}: {status:?}");
        }
    }
    connection.barrier().await;
    assert_eq!(requests(&connection), 2);
    connection.respond(stream, &answer("done")).await;
    running.end().await.unwrap();
    assert!(server.accepted().await.is_none(), "it is the same connection");
}

/// A server whose limit a request breaks ends its connection: the next one would fare no better.
#[tokio::test]
async fn enhance_your_calm_is_no_reason_to_try_another_pod() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "too much");
    expect_unary(&connection).await;
    connection.go_away(0, code::ENHANCE_YOUR_CALM, "header_list_way_too_large").await;
    connection.half_close().await;
    let status = call.status().await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().contains("header_list_way_too_large"), "{status:?}");
}

/// Of PINGs, no call is guilty.
#[tokio::test]
async fn too_many_pings_cost_no_call() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "innocent");
    expect_unary(&connection).await;
    connection.go_away(1, code::ENHANCE_YOUR_CALM, "too_many_pings").await;
    let second = server.accept().await;
    let (stream, text) = expect_unary(&second).await;
    assert_eq!(text, "innocent");
    second.respond(stream, &answer("done")).await;
    call.end().await.unwrap();
}

/// A text from a peer stays on its line.
#[tokio::test]
async fn debug_data_are_escaped() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "a call");
    expect_unary(&connection).await;
    connection.go_away(0, code::INTERNAL_ERROR, "oh\nERROR forged\u{1b}[2J").await;
    let second = server.accept().await;
    expect_unary(&second).await;
    second.go_away(0, code::INTERNAL_ERROR, "oh\nERROR forged\u{1b}[2J").await;
    let status = call.status().await;
    assert!(status.message().contains("oh\\nERROR forged\\u{1b}[2J"), "{status:?}");
}

async fn forbidden(name: &'static str, value: &str) -> Status {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut request = Request::new(message("odd"));
    request.metadata_mut().insert(name, value.parse().unwrap());
    let status = unary_request(&client, request).status().await;
    connection.barrier().await;
    assert_eq!(requests(&connection), 1);
    status
}

#[tokio::test]
async fn metadata_that_http2_forbids_are_named() {
    for (name, value) in [
        ("connection", "close"),
        ("keep-alive", "5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("content-length", "3"),
    ] {
        let status = forbidden(name, value).await;
        assert_eq!(status.code(), Code::Internal, "{status:?}");
        assert!(status.message().contains(&format!("`{name}`")), "{status:?}");
    }
}

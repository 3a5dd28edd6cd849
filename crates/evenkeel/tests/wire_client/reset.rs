//! RST_STREAM: refused streams are tried once more, all others are the call's end.

use evenkeel_testkit::raw::{Automatic, Headers, RawServer, code};
use tonic::{Code, Request};

use super::support::{
    answer, assert_unavailable, client, expect_unary, first_call, message, requests, unary, within,
};

/// Case 81 of gRPC-Go (`TestTransparentRetry`): a stream refused once is sent again unseen.
#[tokio::test]
async fn test_transparent_retry() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "again");
    let (stream, _) = expect_unary(&connection).await;
    connection.reset(stream, code::REFUSED_STREAM).await;

    let (second, text) = expect_unary(&connection).await;
    assert_eq!(text, "again");
    connection.respond(second, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
    assert_eq!(requests(&connection), 3);
}

/// Case 81 (`TestTransparentRetry`): the second refusal is the call's end.
#[tokio::test]
async fn test_transparent_retry_second_refusal() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "again");
    for _ in 0..2 {
        let (stream, _) = expect_unary(&connection).await;
        connection.reset(stream, code::REFUSED_STREAM).await;
    }
    assert_unavailable(&call.status().await, &server, "refused");
    connection.barrier().await;
    assert_eq!(requests(&connection), 3);
}

#[tokio::test]
async fn a_stream_refused_after_its_head_is_not_sent_again() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "worked on");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::response(), false).await;
    connection.barrier().await;
    connection.reset(stream, code::REFUSED_STREAM).await;
    assert_eq!(call.status().await.code(), Code::Unavailable);
    connection.barrier().await;
    assert_eq!(requests(&connection), 2);
}

const CODES: [(u32, Code); 11] = [
    (code::NO_ERROR, Code::Internal),
    (code::PROTOCOL_ERROR, Code::Internal),
    (code::INTERNAL_ERROR, Code::Internal),
    (code::FLOW_CONTROL_ERROR, Code::Internal),
    (code::SETTINGS_TIMEOUT, Code::Internal),
    (code::FRAME_SIZE_ERROR, Code::Internal),
    (code::COMPRESSION_ERROR, Code::Internal),
    (code::CONNECT_ERROR, Code::Internal),
    (code::CANCEL, Code::Cancelled),
    (code::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
    (code::INADEQUATE_SECURITY, Code::PermissionDenied),
];

#[tokio::test]
async fn other_resets_before_the_head_end_the_call_with_their_status() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for (reset, expected) in CODES {
        let call = unary(&client, "reset");
        let (stream, _) = expect_unary(&connection).await;
        connection.reset(stream, reset).await;
        let status = call.status().await;
        assert_eq!(status.code(), expected, "RST_STREAM {reset:#x}: {status:?}");
    }
    connection.barrier().await;
    assert_eq!(requests(&connection), 1 + CODES.len());
}

#[tokio::test]
async fn resets_in_the_middle_of_the_body_end_the_stream_with_their_status() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for (reset, expected) in CODES {
        let mut client = client.clone();
        let call = async {
            let mut stream = client.server_stream(Request::new(message("many"))).await.unwrap().into_inner();
            assert_eq!(stream.message().await.unwrap().unwrap().payload, b"one");
            stream.message().await.expect_err("the stream was reset")
        };
        let serve = async {
            let (stream, _) = connection.expect_request().await;
            connection.headers(stream, Headers::response(), false).await;
            connection.message(stream, &answer("one"), false).await;
            // Received before the reset: h2 may drop what nobody has read yet when a stream is reset.
            connection.barrier().await;
            connection.reset(stream, reset).await;
        };
        let (status, ()) = within("the reset", async { tokio::join!(call, serve) }).await;
        assert_eq!(status.code(), expected, "RST_STREAM {reset:#x}: {status:?}");
    }
}

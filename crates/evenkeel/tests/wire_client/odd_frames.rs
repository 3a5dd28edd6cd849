//! Frames that a client must put up with.

use bytes::Bytes;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawServer, code, encode_message, setting};

use super::support::{answer, client, expect_unary, first_call, unary};

#[tokio::test]
async fn pings_are_answered_with_and_without_calls() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    connection.barrier().await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    for i in 0..20 {
        connection.ping([i; 8]).await;
        connection.expect_ping_ack([i; 8]).await;
    }
    connection.respond(stream, &answer("done")).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn padding_is_not_part_of_a_message() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::response(), false).await;
    for byte in encode_message(&answer("padded")) {
        connection.send_bytes(&Frame::encode_padded_data(stream, &[byte], 255, false)).await;
    }
    connection.trailers(stream, 0).await;
    assert_eq!(call.end().await.unwrap().payload, b"padded");
}

#[tokio::test]
async fn unknown_and_needless_frames_change_nothing() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    for on in [0, stream] {
        let payload = Bytes::from_static(b"from the future");
        connection.send(Frame::Other { kind: 0xbe, flags: 0xff, stream: on, payload }).await;
    }
    // ALTSVC and PRIORITY are in use by real servers.
    let alternative = Bytes::from_static(b"\x00\x0bexample.comh2=\":443\"");
    connection.send(Frame::Other { kind: 0xa, flags: 0, stream: 0, payload: alternative }).await;
    let priority = Bytes::from_static(b"\x00\x00\x00\x00\x10");
    connection.send(Frame::Other { kind: 0x2, flags: 0, stream, payload: priority }).await;
    connection.send(Frame::WindowUpdate { stream: 0, increment: 1000 }).await;
    connection.settings(&[(0x7f, 1), (setting::INITIAL_WINDOW_SIZE, 70_000)]).await;
    connection.respond(stream, &answer("done")).await;
    // For a stream that has ended.
    connection.send(Frame::WindowUpdate { stream, increment: 1000 }).await;
    connection.reset(stream, code::NO_ERROR).await;
    assert_eq!(call.end().await.unwrap().payload, b"done");

    let call = unary(&client, "next");
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("next")).await;
    call.end().await.unwrap();
    assert!(server.accepted().await.is_none());
}

#[tokio::test]
async fn a_message_in_many_small_pieces_is_put_together() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "call");
    let (stream, _) = expect_unary(&connection).await;
    connection.headers(stream, Headers::response(), false).await;
    let text = "x".repeat(3_000);
    for byte in encode_message(&answer(&text)) {
        connection.data(stream, Bytes::copy_from_slice(&[byte]), false).await;
    }
    connection.trailers(stream, 0).await;
    assert_eq!(call.end().await.unwrap().payload, text.as_bytes());
}

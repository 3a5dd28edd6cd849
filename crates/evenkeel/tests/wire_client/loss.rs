//! The connection dies: what may have been worked on fails, what was never sent goes elsewhere.

use std::io;
use std::sync::Mutex;

use bytes::Bytes;
use evenkeel::resolve::BoxFuture;
use evenkeel::{Channel, ConnectRequest, ConnectivityState, Io};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawServer, setting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Request};

use super::support::{
    answer, assert_unavailable, blamed, client, expect_unary, first_call, message, reached, requests, unary,
    within,
};

#[tokio::test]
async fn a_call_on_the_wire_fails_and_is_not_sent_again() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let call = unary(&client, "cut off");
    expect_unary(&old).await;
    old.abort().await;
    let status = call.status().await;
    assert_unavailable(&status, &server, "reset");
    assert_eq!(blamed(&status), server.address().to_string());

    let call = unary(&client, "next");
    let new = server.accept().await;
    let (stream, text) = expect_unary(&new).await;
    assert_eq!(text, "next");
    new.respond(stream, &answer("next")).await;
    call.end().await.unwrap();
    assert_eq!(requests(&new), 1);
}

#[tokio::test]
async fn a_server_that_closes_in_the_middle_of_a_body_makes_it_unavailable() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let call = async {
        let mut stream = streaming.server_stream(Request::new(message("many"))).await.unwrap().into_inner();
        assert_eq!(stream.message().await.unwrap().unwrap().payload, b"one");
        stream.message().await.expect_err("the connection was closed")
    };
    let serve = async {
        let (stream, _) = connection.expect_request().await;
        connection.headers(stream, Headers::response(), false).await;
        connection.message(stream, &answer("one"), false).await;
        connection.barrier().await;
        connection.half_close().await;
    };
    let (status, ()) = within("the end", async { tokio::join!(call, serve) }).await;
    assert_unavailable(&status, &server, "closed");
    assert_eq!(blamed(&status), server.address().to_string());
}

#[tokio::test]
async fn a_call_that_was_never_sent_goes_to_the_next_connection() {
    let one_at_a_time = Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)]);
    let server = RawServer::start(one_at_a_time).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let sent = unary(&client, "sent");
    expect_unary(&old).await;
    let waiting = unary(&client, "waiting");
    old.barrier().await;
    assert_eq!(requests(&old), 2);
    old.abort().await;
    assert_unavailable(&sent.status().await, &server, "reset");

    let new = server.accept().await;
    let (stream, text) = expect_unary(&new).await;
    assert_eq!(text, "waiting");
    new.respond(stream, &answer("done")).await;
    assert_eq!(waiting.end().await.unwrap().payload, b"done");
}

#[tokio::test]
async fn a_broken_connection_that_cannot_say_goodbye_holds_up_nobody() {
    let (ours, mut theirs) = tokio::io::duplex(256);
    let ours = Mutex::new(Some(ours));
    let connector = move |_: &ConnectRequest<'_>| -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let once = ours.lock().unwrap().take();
        Box::pin(async move {
            once.map(|io| Box::new(io) as Box<dyn Io>).ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
        })
    };
    let channel = Channel::builder("passthrough:///stuck").connector(connector).build().unwrap();
    let client = EchoClient::new(channel.clone());
    let settings = Frame::Settings { ack: false, params: Vec::new() };
    theirs.write_all(&settings.encode()).await.unwrap();
    channel.connect().unwrap();
    reached(&channel, ConnectivityState::Ready).await;

    // The rest of the request fills the pipe, and nobody reads it. DATA on stream 0 breaks the protocol.
    let stuck = unary(&client, &"x".repeat(10_000));
    within("a part of the request", theirs.read_exact(&mut [0; 300])).await.unwrap();
    let broken = Frame::Data { stream: 0, data: Bytes::from_static(b"no"), end_stream: false };
    theirs.write_all(&broken.encode()).await.unwrap();
    assert_eq!(stuck.status().await.code(), Code::Unavailable);
    let status = unary(&client, "next").status().await;
    assert_eq!(status.code(), Code::Unavailable);
}

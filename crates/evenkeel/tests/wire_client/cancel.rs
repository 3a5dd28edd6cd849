//! Dropping a call, wherever it stands, takes its stream off the wire and nothing else.

use evenkeel::ConnectivityState;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawServer, code, encode_message};
use tokio_stream::StreamExt;
use tonic::{Code, Request};

use super::support::{answer, channel, client, expect_unary, first_call, message, start, unary, within};

#[tokio::test]
async fn dropping_a_call_before_its_head_resets_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "dropped");
    let (stream, _) = expect_unary(&connection).await;
    drop(call);
    assert_eq!(connection.expect_reset(stream).await, code::CANCEL);

    let call = unary(&client, "next");
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("next")).await;
    call.end().await.unwrap();
}

#[tokio::test]
async fn dropping_a_response_in_the_middle_of_its_body_resets_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let mut client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = async {
        let mut stream = client.server_stream(Request::new(message("many"))).await.unwrap().into_inner();
        assert_eq!(stream.message().await.unwrap().unwrap().payload, b"one");
    };
    let serve = async {
        let (stream, _) = connection.expect_request().await;
        connection.headers(stream, Headers::response(), false).await;
        connection.message(stream, &answer("one"), false).await;
        assert_eq!(connection.expect_reset(stream).await, code::CANCEL);
    };
    within("the reset", async { tokio::join!(call, serve) }).await;
}

#[tokio::test]
async fn dropping_a_call_whose_request_is_still_open_resets_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let endless = tokio_stream::once(message("one")).chain(tokio_stream::pending());
    let call = start(async move { streaming.client_stream(endless).await });
    let (stream, _) = connection.expect_request().await;
    connection.expect("the first message", |frame| matches!(frame, Frame::Data { .. })).await;
    drop(call);
    assert_eq!(connection.expect_reset(stream).await, code::CANCEL);
}

#[tokio::test]
async fn a_dropped_call_holds_its_place_until_its_upload_has_let_go_of_the_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = channel(&server);
    let client = EchoClient::new(channel.clone());
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let endless = tokio_stream::once(message("one")).chain(tokio_stream::pending());
    let call = async { streaming.bidi(endless).await.unwrap().into_inner() };
    let serve = async {
        let (stream, _) = connection.expect_request().await;
        connection.headers(stream, Headers::response(), false).await;
        stream
    };
    let (response, stream) = within("the head", async { tokio::join!(call, serve) }).await;
    let in_flight = || channel.connections()[0].calls_in_flight();
    drop(response);
    // On this one thread the upload's task has not run since: it still has the stream.
    assert_eq!(in_flight(), 1);
    assert_eq!(connection.expect_reset(stream).await, code::CANCEL);
    assert_eq!(in_flight(), 0);
}

#[tokio::test]
async fn a_closed_channel_cancels_calls_whether_it_was_ever_used_or_not() {
    let server = RawServer::start(Automatic::default()).await;
    for used in [false, true] {
        let channel = channel(&server);
        let client = EchoClient::new(channel.clone());
        if used {
            first_call(&server, &client).await;
        }
        channel.close().await;
        assert_eq!(channel.state(), ConnectivityState::Shutdown);
        let status = unary(&client, "late").status().await;
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "the channel was closed"), "{used}");
    }
}

#[tokio::test]
async fn a_finished_call_resets_nothing() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "whole");
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("whole")).await;
    call.end().await.unwrap();
    connection.barrier().await;
    assert!(!connection.received().iter().any(|frame| matches!(frame, Frame::Reset { .. })));
}

#[tokio::test]
async fn an_answer_before_the_requests_end_is_the_calls_end() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let endless = tokio_stream::once(message("one")).chain(tokio_stream::pending());
    let call = start(async move { streaming.client_stream(endless).await });
    let (stream, _) = connection.expect_request().await;
    connection.headers(stream, Headers::trailers_only(7, "no more"), true).await;
    let status = call.status().await;
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "no more"));
    connection.expect_reset(stream).await;
}

#[tokio::test]
async fn two_thousand_cancelled_calls_do_not_kill_the_connection() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for _ in 0..40 {
        let calls: Vec<_> = (0..50).map(|_| unary(&client, "dropped")).collect();
        let mut streams = Vec::new();
        for _ in &calls {
            streams.push(connection.expect_request().await.0);
        }
        drop(calls);
        // What a server had on its way when the reset came.
        for stream in &streams {
            connection.headers(*stream, Headers::response(), false).await;
            connection.data(*stream, encode_message(&answer("late")), false).await;
        }
        for stream in streams {
            connection.expect_reset(stream).await;
        }
    }
    let call = unary(&client, "alive");
    let stream = connection
        .expect("the call after them", |frame| {
            frame.headers().is_some_and(|headers| headers.get(":path").is_some())
        })
        .await
        .stream();
    connection.respond(stream, &answer("alive")).await;
    assert_eq!(call.end().await.unwrap().payload, b"alive");
    assert!(server.accepted().await.is_none());
}

#[tokio::test]
async fn two_thousand_calls_reset_by_the_server_do_not_kill_the_connection() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    for _ in 0..40 {
        let calls: Vec<_> = (0..50).map(|_| unary(&client, "reset")).collect();
        for _ in &calls {
            let stream = connection.expect_request().await.0;
            connection.reset(stream, code::CANCEL).await;
        }
        for call in calls {
            assert_eq!(call.status().await.code(), Code::Cancelled);
        }
    }
    let call = unary(&client, "alive");
    let (stream, _) = connection.expect_request().await;
    connection.respond(stream, &answer("alive")).await;
    assert_eq!(call.end().await.unwrap().payload, b"alive");
    assert!(server.accepted().await.is_none());
}

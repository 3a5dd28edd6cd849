//! GOAWAY: what the server has worked on finishes there, what it has not goes elsewhere, and nobody notices.

use std::time::Duration;

use evenkeel::Event;
use evenkeel::event::GoAway;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawConnection, RawServer, code, setting};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::support::{
    Call, Client, Events, answer, assert_unavailable, builder, client, expect_unary, first_call, message,
    requests, start, unary,
};

const ALL: u32 = (1 << 31) - 1;

#[tokio::test]
async fn streams_above_the_last_id_are_sent_again_elsewhere_and_the_others_finish() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;

    let mut calls = Vec::new();
    let mut streams = Vec::new();
    for text in ["a", "b", "c", "d"] {
        calls.push(unary(&client, text));
        let (stream, seen) = expect_unary(&old).await;
        assert_eq!(seen, text);
        streams.push(stream);
    }
    old.go_away(streams[1], code::NO_ERROR, "max_age").await;

    let new = server.accept().await;
    let mut again = [expect_unary(&new).await, expect_unary(&new).await];
    again.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!((again[0].1.as_str(), again[1].1.as_str()), ("c", "d"));
    let later = unary(&client, "e");
    let (stream, text) = expect_unary(&new).await;
    assert_eq!(text, "e");

    new.respond(again[0].0, &answer("c")).await;
    new.respond(again[1].0, &answer("d")).await;
    new.respond(stream, &answer("e")).await;
    old.respond(streams[0], &answer("a")).await;
    old.respond(streams[1], &answer("b")).await;
    for (call, text) in calls.into_iter().chain([later]).zip(["a", "b", "c", "d", "e"]) {
        assert_eq!(call.end().await.unwrap().payload, text.as_bytes());
    }
    old.expect_closed().await;
    assert_eq!((requests(&old), requests(&new)), (5, 3));
}

#[tokio::test]
async fn a_call_that_several_goaways_leave_behind_is_answered_in_the_end() {
    let server = RawServer::start(Automatic::default()).await;
    let client = EchoClient::new(builder(&server).wait_for_ready(true).build().unwrap());
    let first = first_call(&server, &client).await;
    let call = unary(&client, "again");
    let (stream, _) = expect_unary(&first).await;
    first.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let second = server.accept().await;
    expect_unary(&second).await;
    second.go_away(0, code::NO_ERROR, "max_age").await;
    let third = server.accept().await;
    let (stream, text) = expect_unary(&third).await;
    assert_eq!(text, "again");
    third.respond(stream, &answer("again")).await;
    assert_eq!(call.end().await.unwrap().payload, b"again");
}

#[tokio::test]
async fn after_the_first_of_two_goaways_new_calls_go_elsewhere_and_running_ones_finish() {
    let server = RawServer::start(Automatic::default()).await;
    let events = Events::new();
    let client = EchoClient::new(builder(&server).observer(events.clone()).build().unwrap());
    let old = first_call(&server, &client).await;
    let running = unary(&client, "running");
    let (stream, _) = expect_unary(&old).await;

    old.go_away(ALL, code::NO_ERROR, "max_age").await;
    old.barrier().await;
    let later = unary(&client, "later");
    let new = server.accept().await;
    let (later_stream, text) = expect_unary(&new).await;
    assert_eq!(text, "later");
    new.respond(later_stream, &answer("later")).await;
    assert_eq!(later.end().await.unwrap().payload, b"later");

    old.go_away(stream, code::NO_ERROR, "").await;
    old.respond(stream, &answer("running")).await;
    assert_eq!(running.end().await.unwrap().payload, b"running");
    old.expect_closed().await;
    assert_eq!(requests(&old), 2);

    let (code, debug) = events
        .expect("the GOAWAY", |event| match event {
            Event::GoAway(GoAway { code, debug, .. }) => Some((*code, debug.clone())),
            _ => None,
        })
        .await;
    assert_eq!((code, &*debug), (code::NO_ERROR, "max_age"));
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_and_replaced_at_once() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    old.go_away(ALL, code::NO_ERROR, "max_idle").await;
    let new = server.accept().await;
    old.expect_closed().await;
    let call = unary(&client, "next");
    let (stream, _) = expect_unary(&new).await;
    new.respond(stream, &answer("next")).await;
    call.end().await.unwrap();
    assert_eq!(requests(&old), 1);
}

/// A client-streaming call with two of its messages on the wire.
async fn half_sent(
    client: &Client,
    connection: &RawConnection,
) -> (Call<evenkeel_testkit::proto::EchoResponse>, mpsc::UnboundedSender<EchoRequest>, u32) {
    let (sender, messages) = mpsc::unbounded_channel();
    let mut client = client.clone();
    let call = start(async move { client.client_stream(UnboundedReceiverStream::new(messages)).await });
    sender.send(message("one")).unwrap();
    sender.send(message("two")).unwrap();
    let (stream, _) = connection.expect_request().await;
    assert_eq!(texts(&connection.expect_first_messages::<EchoRequest>(stream, 2).await), ["one", "two"]);
    (call, sender, stream)
}

fn texts(messages: &[EchoRequest]) -> Vec<String> {
    messages.iter().map(|message| String::from_utf8(message.payload.clone()).unwrap()).collect()
}

#[tokio::test]
async fn a_half_sent_request_above_the_last_id_is_sent_again_from_its_start() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let (call, sender, stream) = half_sent(&client, &old).await;

    old.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    let (again, _) = new.expect_request().await;
    assert_eq!(texts(&new.expect_first_messages::<EchoRequest>(again, 2).await), ["one", "two"]);
    sender.send(message("three")).unwrap();
    drop(sender);
    assert_eq!(texts(&new.expect_messages::<EchoRequest>(again).await), ["one", "two", "three"]);
    new.respond(again, &answer("whole")).await;
    assert_eq!(call.end().await.unwrap().payload, b"whole");
}

#[tokio::test]
async fn a_half_sent_request_at_or_below_the_last_id_goes_on_where_it_is() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let (call, sender, stream) = half_sent(&client, &old).await;

    old.go_away(stream, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    sender.send(message("three")).unwrap();
    drop(sender);
    assert_eq!(texts(&old.expect_messages::<EchoRequest>(stream).await), ["one", "two", "three"]);
    old.respond(stream, &answer("whole")).await;
    assert_eq!(call.end().await.unwrap().payload, b"whole");
    new.barrier().await;
    assert_eq!(requests(&new), 0);
}

#[tokio::test]
async fn a_request_too_long_to_keep_is_not_sent_again() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let (call, sender, stream) = half_sent(&client, &old).await;
    sender.send(message(&"x".repeat(300 << 10))).unwrap();
    old.expect_first_messages::<EchoRequest>(stream, 3).await;
    old.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    assert_unavailable(&call.status().await, &server, "max_age");
    new.barrier().await;
    assert_eq!(requests(&new), 0);
}

#[tokio::test]
async fn a_call_that_waits_for_a_stream_goes_elsewhere() {
    let server =
        RawServer::start(Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)])).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let running = unary(&client, "running");
    let (stream, _) = expect_unary(&old).await;
    let waiting = [unary(&client, "waiting"), unary(&client, "waiting")];
    old.barrier().await;
    server.set_automatic(Automatic::default());
    old.go_away(ALL, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    for _ in &waiting {
        let (stream, text) = expect_unary(&new).await;
        assert_eq!(text, "waiting");
        new.respond(stream, &answer("done")).await;
    }
    for call in waiting {
        call.end().await.unwrap();
    }
    old.respond(stream, &answer("done")).await;
    running.end().await.unwrap();
    old.expect_closed().await;
    assert_eq!(requests(&old), 2);
}

/// It is one chunk, and in memory anyway.
#[tokio::test]
async fn a_long_request_that_was_left_behind_is_sent_again_too() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let long = "long".repeat(256 << 10);
    let call = unary(&client, &long);
    let (stream, _) = old.expect_request().await;
    old.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    let (stream, text) = expect_unary(&new).await;
    assert!(text == long, "{} bytes of it", text.len());
    new.respond(stream, &answer("long")).await;
    assert_eq!(call.end().await.unwrap().payload, b"long");
}

/// A call whose only server turns it away on two connections; it is under way.
async fn turned_away_twice(server: &RawServer, client: &Client) -> Call<EchoResponse> {
    let old = first_call(server, client).await;
    let call = unary(client, "again");
    let (stream, _) = expect_unary(&old).await;
    old.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    let (stream, _) = expect_unary(&new).await;
    assert_eq!(stream, 1);
    new.go_away(0, code::NO_ERROR, "max_age").await;
    call
}

#[tokio::test]
async fn a_call_turned_away_twice_is_taken_by_the_third_connection() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let call = turned_away_twice(&server, &client).await;
    let third = server.accept().await;
    let (stream, _) = expect_unary(&third).await;
    third.respond(stream, &answer("again")).await;
    assert_eq!(call.end().await.unwrap().payload, b"again");
}

#[tokio::test]
async fn a_call_turned_away_twice_is_unavailable_where_no_grace_is_given() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = builder(&server).grace_after_loss(Duration::ZERO).build().unwrap();
    let call = turned_away_twice(&server, &EchoClient::new(channel)).await;
    assert_unavailable(&call.status().await, &server, "max_age");
}

#[tokio::test]
async fn a_call_that_has_its_head_is_not_sent_again() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let call = unary(&client, "worked on");
    let (stream, _) = expect_unary(&old).await;
    old.headers(stream, Headers::response(), false).await;
    old.barrier().await;
    // A server that contradicts itself: the head is out, but the stream is above its last id.
    old.go_away(stream - 2, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    assert_eq!(call.status().await.code(), tonic::Code::Unavailable);
    new.barrier().await;
    assert_eq!(requests(&new), 0);
}

#[tokio::test]
async fn a_connection_lost_after_its_goaway_says_so() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let old = first_call(&server, &client).await;
    let call = unary(&client, "cut off");
    let (stream, _) = expect_unary(&old).await;
    old.go_away(stream, code::NO_ERROR, "max_age").await;
    let new = server.accept().await;
    old.abort().await;
    assert_unavailable(&call.status().await, &server, "max_age");
    new.barrier().await;
    assert!(!new.received().iter().any(|frame| matches!(frame, Frame::Headers { .. })));
}

#[tokio::test]
async fn a_goaway_that_comes_before_the_first_answer_is_no_failure_of_the_server() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let running = unary(&client, "running");
    let old = server.accept().await;
    let (stream, _) = expect_unary(&old).await;
    old.go_away(ALL, code::NO_ERROR, "max_age").await;

    // The only server there is: were it held to have failed, this call would fail at once.
    old.barrier().await;
    let later = unary(&client, "later");
    let new = server.accept().await;
    let (later_stream, text) = expect_unary(&new).await;
    assert_eq!(text, "later");
    new.respond(later_stream, &answer("later")).await;
    assert_eq!(later.end().await.unwrap().payload, b"later");
    old.respond(stream, &answer("running")).await;
    assert_eq!(running.end().await.unwrap().payload, b"running");
}

//! Clients that do not take what they asked for, and what is left for calls beside.

use std::time::Duration;

use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawClient, code, encode_message, setting};
use tokio::time::Instant;

use crate::support::{NEVER, UNARY, serve, serve_over, slow, with_payload};

/// An eighth of it may wait for clients beyond 64 KiB each.
const BUDGET: usize = 1 << 20;
/// Longer than [`WINDOW`]: its answer stays where it is.
const LONG: usize = 20_000;
/// So many of them are more than may wait.
const MANY: usize = ((64 << 10) + BUDGET / 8) / LONG + 1;
const WINDOW: u32 = 100;

/// A client that takes short answers and leaves long ones lying.
fn picky() -> Automatic {
    Automatic::default().settings(&[(setting::INITIAL_WINDOW_SIZE, WINDOW)]).without_window_updates()
}

async fn leave_lying(client: &RawClient, count: usize) {
    for _ in 0..count {
        let stream = client.call(UNARY, &with_payload(vec![7; LONG])).await;
        client.expect_headers(stream).await;
    }
}

async fn assert_answers(client: &RawClient) {
    let streams = [
        client.call(UNARY, &with_payload("x")).await,
        client.call(UNARY, &with_payload("y")).await,
        client.call(UNARY, &with_payload("z")).await,
    ];
    for (stream, payload) in streams.into_iter().zip(["x", "y", "z"]) {
        assert_eq!(
            client.expect_messages::<EchoResponse>(stream).await[0].payload,
            payload.as_bytes().to_vec()
        );
    }
}

#[tokio::test]
async fn answers_that_lie_about_stop_no_call_that_is_taken() {
    let server = serve(|s| s.memory_budget(BUDGET)).await;
    let client = RawClient::connect(server.address, picky()).await;
    let other = server.raw().await;
    leave_lying(&client, MANY).await;
    for _ in 0..4 {
        assert_answers(&client).await;
        assert_answers(&other).await;
    }
}

/// The next message is made when the last one is taken; whoever waits for that in vain may call elsewhere.
#[tokio::test(start_paused = true)]
async fn when_memory_is_short_a_message_that_is_not_taken_holds_the_next_ones_back() {
    let (stream, theirs) = tokio::io::duplex(1 << 20);
    let server = serve_over(theirs, |s| s.memory_budget(BUDGET));
    let client = RawClient::over(stream, picky()).await;
    leave_lying(&client, MANY).await;
    let began = Instant::now();
    let last = client.call(UNARY, &with_payload(vec![7; LONG])).await;
    client.expect_headers(last).await;
    let calls = server.service.calls();
    let held_back = client.call(UNARY, &with_payload("x")).await;
    assert_eq!(client.expect_reset(held_back).await, code::REFUSED_STREAM);
    assert_eq!(began.elapsed().as_secs(), Duration::from_secs(5).as_secs());
    assert_eq!(server.service.calls(), calls, "no handler has seen it");
    client.reset(last, code::CANCEL).await;
    assert_answers(&client).await;
}

const CLIENT_STREAM: &str = "/evenkeel.test.v1.Echo/ClientStream";

/// Two calls whose messages take turns, so that no two pieces of one lie side by side.
async fn two_streams(client: &RawClient, first: &EchoRequest) -> [u32; 2] {
    let mut streams = [0; 2];
    for stream in &mut streams {
        *stream = client.open(Headers::request(CLIENT_STREAM), false).await;
        client.message(*stream, first, false).await;
    }
    streams
}

fn in_turns(streams: [u32; 2], count: usize) -> Vec<u8> {
    let data = encode_message(&EchoRequest::default());
    let both = streams.map(|stream| Frame::Data { stream, data: data.clone(), end_stream: false }.encode());
    both.concat().repeat(count / 2)
}

/// h2 keeps some hundred bytes for each, whatever its length: so many take more than three quarters of what calls have.
const TOO_MANY_PIECES: usize = 3_200;

#[tokio::test]
async fn a_connection_with_more_unread_pieces_than_there_is_memory_for_ends_alone() {
    let server = serve(|s| s.memory_budget(BUDGET)).await;
    let (client, other) = (server.raw().await, server.raw().await);
    let streams = two_streams(&client, &slow(NEVER)).await;
    client.send_bytes(&in_turns(streams, TOO_MANY_PIECES)).await;
    let (_, code, debug) = client.expect_go_away().await;
    assert_eq!((code, &*debug), (code::ENHANCE_YOUR_CALM, "too_many_small_frames"));
    assert_answers(&other).await;
}

#[tokio::test]
async fn pieces_are_accounted_for_until_they_are_read_or_dropped() {
    let server = serve(|s| s.memory_budget(BUDGET)).await;
    let client = server.raw().await;
    let read = two_streams(&client, &EchoRequest::default()).await;
    for _ in 0..20 {
        // A few of them are more than there is.
        client.send_bytes(&in_turns(read, TOO_MANY_PIECES / 8)).await;
        client.barrier().await;
        let unread = two_streams(&client, &slow(NEVER)).await;
        client.send_bytes(&in_turns(unread, TOO_MANY_PIECES / 8)).await;
        client.barrier().await;
        for stream in unread {
            client.reset(stream, code::CANCEL).await;
        }
        assert_answers(&client).await;
    }
}

//! Clients that do not take what they asked for, and what is left for calls beside.

use std::time::Duration;

use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::raw::{Automatic, RawClient, code, setting};
use tokio::time::Instant;

use crate::support::{UNARY, serve, serve_over, with_payload};

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

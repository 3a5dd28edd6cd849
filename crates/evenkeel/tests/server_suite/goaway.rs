//! What leaves the server when a connection ends, frame by frame.

use std::time::{Duration, Instant};

use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawClient, RawConnection, code};

use crate::support::{ALL, BIDI, NEVER, UNARY, serve, slow, with_payload, within};

const SOON: Duration = Duration::from_millis(100);

/// The frames that tell a connection's end, in their order, with the streams' last ones.
fn story(connection: &RawConnection) -> Vec<String> {
    let tell = |frame: Frame| match frame {
        Frame::GoAway { last_stream, code, debug } => {
            Some(format!("GOAWAY {last_stream} {code} {}", String::from_utf8_lossy(&debug)))
        }
        Frame::Ping { ack: false, .. } => Some("PING".to_owned()),
        frame if frame.is_end_stream() => Some(format!("END {}", frame.stream())),
        _ => None,
    };
    connection.received().into_iter().filter_map(tell).collect()
}

/// The whole order: GOAWAY for all streams, PING, its ACK, GOAWAY with the last id, the last stream's end, close.
async fn goes_away_in_order(client: RawClient, reason: &str) {
    let running = client.open(Headers::request(BIDI), false).await;
    assert_eq!(client.expect_go_away().await, (ALL, code::NO_ERROR, reason.to_owned()));
    let ping = client.expect_ping().await;
    // A call that crossed the GOAWAY on its way is served.
    let crossed = client.call(UNARY, &with_payload("crossed")).await;
    assert_eq!(client.expect_messages::<EchoResponse>(crossed).await[0].payload, b"crossed");
    client.send(Frame::Ping { ack: true, payload: ping }).await;
    assert_eq!(client.expect_go_away().await, (crossed, code::NO_ERROR, reason.to_owned()));
    // The stream that runs goes on in both directions.
    client.message(running, &with_payload("last"), true).await;
    assert_eq!(client.expect_messages::<EchoResponse>(running).await[0].payload, b"last");
    client.expect_closed().await;
    let first = format!("GOAWAY {ALL} 0 {reason}");
    let second = format!("GOAWAY {crossed} 0 {reason}");
    let [crossed, running] = [crossed, running].map(|stream| format!("END {stream}"));
    assert_eq!(story(&client), [first, "PING".to_owned(), crossed, second, running]);
}

/// Case 102 of gRPC-Go (`TestMaxConnectionAge`): GOAWAY without an error, though a stream is open; the stream goes on.
#[tokio::test]
async fn test_max_connection_age() {
    let server = serve(|s| s.max_connection_age(SOON)).await;
    goes_away_in_order(server.raw_without_acks().await, "max_age").await;
}

#[tokio::test]
async fn a_drain_is_a_graceful_stop() {
    let server = serve(|s| s).await;
    let client = server.raw_without_acks().await;
    // The connection must be there when the drain begins.
    client.expect("the server's SETTINGS", |frame| matches!(frame, Frame::Settings { ack: true, .. })).await;
    server.handle.drain(NEVER);
    goes_away_in_order(client, "graceful_stop").await;
    let report = server.report().await;
    assert_eq!((report.calls_finished, report.calls_cut, report.connections_drained), (2, 0, 1));
}

/// Case 101 (`TestMaxConnectionIdle`, `..._BusyClient`): an idle client gets GOAWAY `max_idle`, a busy one does not.
#[tokio::test]
async fn test_max_connection_idle_and_busy_client() {
    let server = serve(|s| s.max_connection_idle(SOON)).await;
    let client = server.raw().await;
    let call = client.call(UNARY, &slow(SOON * 4)).await;
    client.expect_messages::<EchoResponse>(call).await;
    assert_eq!(story(&client), ["END 1"], "a call was running all the time");
    client.expect_closed().await;
    let expected = [format!("GOAWAY {ALL} 0 max_idle"), "PING".to_owned(), "GOAWAY 1 0 max_idle".to_owned()];
    assert_eq!(story(&client)[1..], expected);
}

#[tokio::test]
async fn a_connection_that_never_had_a_call_is_idle_from_its_start() {
    let server = serve(|s| s.max_connection_idle(SOON)).await;
    let client = server.raw().await;
    client.expect_closed().await;
    assert_eq!(story(&client).last().unwrap(), "GOAWAY 0 0 max_idle");
}

#[tokio::test]
async fn a_peer_that_never_acks_is_waited_for_and_then_told_anyway() {
    let server = serve(|s| s.max_connection_age(SOON).goaway_ack_wait(SOON * 3)).await;
    let client = server.raw_without_acks().await;
    let running = client.open(Headers::request(BIDI), false).await;
    client.expect_go_away().await;
    let told = Instant::now();
    assert_eq!(client.expect_go_away().await, (running, code::NO_ERROR, "max_age".to_owned()));
    assert!(told.elapsed() >= SOON * 2, "the ACK was waited for: {:?}", told.elapsed());
    // An ACK that comes late after all does no harm.
    client.send(Frame::Ping { ack: true, payload: client.expect_ping().await }).await;
    client.message(running, &with_payload("still served"), true).await;
    assert_eq!(client.expect_messages::<EchoResponse>(running).await[0].payload, b"still served");
    client.expect_closed().await;
}

#[tokio::test]
async fn the_ack_is_missed_and_the_peer_is_in_the_middle_of_a_frame() {
    let server = serve(|s| s.max_connection_age(SOON).goaway_ack_wait(SOON)).await;
    let client = server.raw_without_acks().await;
    let running = client.open(Headers::request(BIDI), false).await;
    client.expect_go_away().await;
    let message = Frame::Data {
        stream: running,
        data: evenkeel_testkit::raw::encode_message(&with_payload("in two parts")),
        end_stream: true,
    }
    .encode();
    client.send_bytes(&message[..20]).await;
    tokio::time::sleep(SOON * 3).await;
    assert_eq!(story(&client).len(), 2, "nothing was put into the frame: {:?}", story(&client));
    client.send_bytes(&message[20..]).await;
    assert_eq!(client.expect_go_away().await.0, running);
    assert_eq!(client.expect_messages::<EchoResponse>(running).await[0].payload, b"in two parts");
    client.expect_closed().await;
}

#[tokio::test]
async fn a_peer_stuck_in_a_frame_without_a_call_does_not_keep_its_connection() {
    let server = serve(|s| s.max_connection_idle(SOON).goaway_ack_wait(SOON)).await;
    let client = server.raw_without_acks().await;
    client.send_bytes(&[0, 0, 8, 6]).await;
    client.expect_closed().await;
    assert_eq!(story(&client), [format!("GOAWAY {ALL} 0 max_idle"), "PING".to_owned()]);
}

#[tokio::test]
async fn grace_cuts_what_still_runs() {
    let server = serve(|s| s.max_connection_age(SOON).max_connection_age_grace(SOON * 3)).await;
    let client = server.raw().await;
    let call = client.call(UNARY, &slow(NEVER)).await;
    client.expect_go_away().await;
    let told = Instant::now();
    within("the cut", client.expect_closed()).await;
    assert!(told.elapsed() >= SOON * 2, "{:?}", told.elapsed());
    assert!(!story(&client).contains(&format!("END {call}")));
    let next = server.raw().await;
    let stream = next.call(UNARY, &with_payload("new")).await;
    next.expect_messages::<EchoResponse>(stream).await;
}

#[tokio::test]
async fn streams_after_the_second_goaway_are_not_answered() {
    let server = serve(|s| s.max_connection_age(SOON)).await;
    let client = server.raw().await;
    let running = client.open(Headers::request(BIDI), false).await;
    client.expect_go_away().await;
    client.expect_go_away().await;
    let calls = server.service.calls();
    let late = client.call(UNARY, &with_payload("late")).await;
    client.barrier().await;
    client.message(running, &with_payload("end"), true).await;
    client.expect_closed().await;
    assert!(client.received().iter().all(|frame| frame.stream() != late));
    assert_eq!(server.service.calls(), calls);
}

#[tokio::test]
async fn a_client_that_never_finishes_the_handshake_is_closed() {
    let server = serve(|s| s.handshake_timeout(SOON)).await;
    let silent = RawClient::connect(server.address, Automatic::silent()).await;
    silent.expect_closed().await;
    let preface_only = RawClient::connect(server.address, Automatic::silent()).await;
    preface_only.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    preface_only.expect_closed().await;
    let healthy = server.raw().await;
    tokio::time::sleep(SOON * 3).await;
    let stream = healthy.call(UNARY, &with_payload("x")).await;
    healthy.expect_messages::<EchoResponse>(stream).await;
}

/// Case 86 (`TestGracefulClientOnGoAway`), with an age of 1 s where gRPC-Go has 100 ms: nobody who calls in a loop may notice that connections come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_graceful_client_on_go_away_fail_fast() {
    // Below a second, a channel on a starved machine may take a connection that ends before its first answer for a
    // server that turns it away, and back off, as it should.
    let server = serve(|s| s.max_connection_age(Duration::from_secs(1))).await;
    let channel = evenkeel::Channel::builder(format!("ipv4:{}", server.address)).build().unwrap();
    let mut calls = tokio::task::JoinSet::new();
    let end = Instant::now() + Duration::from_millis(3500);
    for _ in 0..4 {
        let mut client = EchoClient::new(channel.clone());
        calls.spawn(async move {
            while Instant::now() < end {
                client.unary(with_payload("x")).await.expect("no call fails");
            }
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    server.handle.drain(NEVER);
    assert!(server.report().await.is_clean());
}

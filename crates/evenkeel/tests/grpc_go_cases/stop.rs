//! The end of our server: graceful, and at once.

use std::time::Duration;

use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawClient, code};
use tonic::Code;

use crate::support::{NEVER, Ours, Seen, Talk, to, within};

/// The last stream id of a first GOAWAY.
const ALL: u32 = i32::MAX as u32;

/// Case 92 (`TestGracefulStopClosesConnAfterLastStream`): the wire order of a graceful stop, with a client that never
/// ends its request: GOAWAY, PING, its ACK, GOAWAY, the trailers, RST_STREAM without an error, close.
#[tokio::test]
async fn test_graceful_stop_closes_conn_after_last_stream() {
    let server = Ours::start(|s| s).await;
    let client = RawClient::connect(server.address, Automatic::default().without_ping_acks()).await;
    let stream = client.open(Headers::request("/evenkeel.test.v1.Echo/Bidi"), false).await;
    client.message(stream, &EchoRequest::default(), false).await;
    client.expect_first_messages::<EchoResponse>(stream, 1).await;

    server.handle.drain(NEVER);
    let payload = client.expect_ping().await;
    client.send(Frame::Ping { ack: true, payload }).await;
    assert_eq!(client.expect_go_away().await.0, ALL);
    assert_eq!(client.expect_go_away().await.0, stream);
    let last = EchoRequest { fail_code: Code::Aborted as u32, ..EchoRequest::default() };
    client.message(stream, &last, false).await;
    client.expect_closed().await;

    let goaway =
        |last_stream| Frame::GoAway { last_stream, code: code::NO_ERROR, debug: "graceful_stop".into() };
    let received = client.received();
    let end = received.iter().position(|frame| *frame == goaway(ALL)).expect("the first GOAWAY");
    let is_told = |frame: &&Frame| !matches!(frame, Frame::WindowUpdate { .. } | Frame::Settings { .. });
    let end: Vec<&Frame> = received[end..].iter().filter(is_told).collect();
    let [first, ping, second, trailers, reset] = end[..] else { panic!("{end:?}") };
    assert_eq!(*first, goaway(ALL));
    assert_eq!(*ping, Frame::Ping { ack: false, payload });
    assert_eq!(*second, goaway(stream));
    assert_eq!(trailers.headers().and_then(|trailers| trailers.get("grpc-status")), Some("10"));
    assert!(trailers.is_end_stream());
    assert_eq!(*reset, Frame::Reset { stream, code: code::NO_ERROR });
    assert!(server.report().await.is_clean());
}

/// Case 97 (`TestGracefulStopBlocksUntilGRPCConnectionsTerminate`): the server has not ended before its last call has.
#[tokio::test]
async fn test_graceful_stop_blocks_until_grpc_connections_terminate() {
    let server = Ours::start(|s| s).await;
    let (channel, seen) = Seen::build(to(&[server.address]));
    let mut running = Talk::open(&channel).await;
    server.handle.drain(NEVER);
    seen.until_goaway().await;
    for _ in 0..3 {
        running.turn("still served").await;
        assert!(!server.has_ended());
    }
    running.finish().await;
    let report = server.report().await;
    assert_eq!((report.calls_finished, report.calls_cut), (1, 0));
}

/// Case 97 (`TestStopAbortsBlockingGRPCCall`): a stop does not wait for a handler; its caller gets UNAVAILABLE.
#[tokio::test]
async fn test_stop_aborts_blocking_grpc_call() {
    let server = Ours::start(|s| s).await;
    let mut client = EchoClient::new(to(&[server.address]).build().unwrap());
    let request = EchoRequest { delay_ms: NEVER.as_millis() as u32, ..EchoRequest::default() };
    let blocked = tokio::spawn(async move { client.unary(request).await });
    within("the handler", async {
        while server.service.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    server.handle.stop();
    let status = within("a status", blocked).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(server.report().await.calls_cut, 1);
}

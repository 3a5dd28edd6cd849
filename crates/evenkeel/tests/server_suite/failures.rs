//! Clients that go, handlers that panic: one call's trouble stays that call's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use evenkeel::Server;
use evenkeel_testkit::echo::{EchoService, PUSH_FIRST};
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Headers, RawClient, code};
use http_body::Frame;
use tonic::{Code, Status};

use crate::support::{BIDI, NEVER, Running, UNARY, eventually, run, serve, with_payload};

/// Opens a bidirectional call and waits until its handler is at work.
async fn open_stream(server: &Running, client: &RawClient) -> u32 {
    let before = server.service.open_streams();
    let stream = client.open(Headers::request(BIDI).with(PUSH_FIRST, "1"), false).await;
    client.expect_headers(stream).await;
    assert_eq!(server.service.open_streams(), before + 1);
    stream
}

#[tokio::test]
async fn a_call_that_is_reset_stops_its_handler() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let kept = open_stream(&server, &client).await;
    let reset = open_stream(&server, &client).await;
    client.reset(reset, code::CANCEL).await;
    eventually("the handler's end", || server.service.open_streams() == 1).await;
    client.message(kept, &with_payload("still here"), true).await;
    let answers = client.expect_messages::<EchoResponse>(kept).await;
    assert_eq!(answers.last().unwrap().payload, b"still here");
}

#[tokio::test]
async fn a_lost_connection_stops_its_handlers() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for _ in 0..3 {
        open_stream(&server, &client).await;
    }
    client.abort().await;
    eventually("the handlers' end", || server.service.open_streams() == 0).await;
    server.handle.drain(NEVER);
    let report = server.report().await;
    assert!(report.is_clean(), "nobody was cut by us: {report:?}");
}

#[tokio::test]
async fn a_panic_before_the_head_is_internal_and_costs_one_call() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let other = open_stream(&server, &client).await;
    let stream = client.call(UNARY, &EchoRequest { panic: true, ..EchoRequest::default() }).await;
    assert_eq!(client.expect_headers(stream).await.get("grpc-status"), Some("13"));

    client.message(other, &with_payload("unharmed"), true).await;
    assert_eq!(client.expect_messages::<EchoResponse>(other).await.last().unwrap().payload, b"unharmed");
    let next = client.call(UNARY, &with_payload("next")).await;
    assert_eq!(client.expect_messages::<EchoResponse>(next).await[0].payload, b"next");
}

/// A body that yields its first frame, and panics when it is asked for more.
struct PanicsLater(tonic::body::Body, bool);

impl http_body::Body for PanicsLater {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        assert!(!self.1, "a body that panics in its middle");
        let frame = Pin::new(&mut self.0).poll_frame(cx);
        self.1 = frame.is_ready();
        frame
    }
}

#[tokio::test]
async fn a_panic_in_the_body_resets_one_call() {
    let service = EchoService::new("server");
    let layer = tower::util::MapResponseLayer::new(|response: http::Response<tonic::body::Body>| {
        response.map(|body| PanicsLater(body, false))
    });
    let bound = Server::builder().layer(layer).add_service(service.clone().into_server());
    let server = run(bound.bind("127.0.0.1:0").await.unwrap(), service);
    let client = server.raw().await;
    for _ in 0..2 {
        let stream = client.call(UNARY, &with_payload("x")).await;
        assert_eq!(client.expect_reset(stream).await, code::INTERNAL_ERROR);
    }
}

type Answer = http::Response<tonic::body::Body>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::test]
async fn a_layers_error_is_the_calls_status() {
    let service = EchoService::new("server");
    let refuse = tower::util::MapResultLayer::new(|_: Result<Answer, Infallible>| {
        Err::<Answer, BoxError>(Status::permission_denied("not you").into())
    });
    let bound = Server::builder().layer(refuse).add_service(service.clone().into_server());
    let server = run(bound.bind("127.0.0.1:0").await.unwrap(), service);
    let status = server.client().await.unary(EchoRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "not you"));
}

#[tokio::test]
async fn a_client_that_only_half_closes_its_stream_gets_its_answer_and_a_reset_without_error() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    // The handler fails at the first message and does not read on; the client never ends its request.
    let stream = client.open(Headers::request("/evenkeel.test.v1.Echo/ClientStream"), false).await;
    let failing = EchoRequest { fail_code: Code::Aborted as u32, ..EchoRequest::default() };
    client.message(stream, &failing, false).await;
    assert_eq!(client.expect_headers(stream).await.get("grpc-status"), Some("10"));
    assert_eq!(client.expect_reset(stream).await, code::NO_ERROR);
}

/// A client whose streams have a window of `WINDOW`, and that gives nothing back by itself.
async fn with_small_window(server: &Running) -> RawClient {
    let automatic = Automatic::default().without_window_updates().settings(&[(4, WINDOW)]);
    RawClient::connect(server.address, automatic).await
}

const WINDOW: u32 = 10_000;

#[tokio::test]
async fn a_response_waits_for_the_clients_window_and_goes_on() {
    let server = serve(|s| s).await;
    let client = with_small_window(&server).await;
    let stream = client.call(UNARY, &with_payload(vec![7; 50_000])).await;
    eventually("a full window", || client.body(stream).len() == WINDOW as usize).await;
    client.barrier().await;
    assert_eq!(client.body(stream).len(), WINDOW as usize, "not a byte more than the window");
    client.send(evenkeel_testkit::raw::Frame::WindowUpdate { stream, increment: 1 << 20 }).await;
    let answers = client.expect_messages::<EchoResponse>(stream).await;
    assert_eq!(answers[0].payload.len(), 50_000);
}

#[tokio::test]
async fn a_call_cut_off_by_its_deadline_in_the_middle_of_a_message_is_reset() {
    let server = serve(|s| s).await;
    let client = with_small_window(&server).await;
    let stream = client.open(Headers::request(UNARY).with("grpc-timeout", "200m"), false).await;
    client.message(stream, &with_payload(vec![7; 50_000]), true).await;
    assert_eq!(client.expect_reset(stream).await, code::CANCEL);
    assert_eq!(client.body(stream).len(), WINDOW as usize);
    let other = client.call("/no.such/Method", &with_payload("x")).await;
    assert_eq!(client.expect_headers(other).await.get("grpc-status"), Some("12"), "the connection lives");
}

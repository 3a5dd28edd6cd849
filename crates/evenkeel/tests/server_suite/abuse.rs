//! What a healthy client may do without losing its connection, and an unhealthy one only to itself.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use evenkeel::Server;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Frame, Headers, RawClient, code, encode_message};
use http_body_util::StreamBody;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Bytes, Service};
use tonic::server::NamedService;

use crate::support::{NEVER, UNARY, run, serve, slow, with_payload};

async fn still_works(client: &RawClient) {
    let stream = client.call(UNARY, &with_payload("x")).await;
    assert_eq!(client.expect_messages::<EchoResponse>(stream).await[0].payload, b"x");
}

/// A handler that does not read, and a first window full of the smallest messages there are.
#[tokio::test]
async fn a_slow_reader_does_not_kill_the_connection() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let stream = client.open(Headers::request("/evenkeel.test.v1.Echo/ClientStream"), false).await;
    let first = encode_message(&slow(NEVER));
    let empty =
        Frame::Data { stream, data: encode_message(&EchoRequest::default()), end_stream: false }.encode();
    client.data(stream, first.clone(), false).await;
    let count = (65_535 - first.len()) / 5;
    client.send_bytes(&empty.repeat(count)).await;
    client.barrier().await;
    still_works(&client).await;
    assert!(client.received().iter().all(|frame| !matches!(frame, Frame::GoAway { .. })));
}

/// Calls that were cancelled while the process had no CPU all come in one piece.
#[tokio::test]
async fn thousands_of_cancelled_calls_do_not_kill_the_connection() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for _ in 0..5 {
        let mut bytes = Vec::new();
        let mut streams = Vec::new();
        for _ in 0..1_500 {
            let stream = client.open(Headers::request(UNARY), false).await;
            streams.push(stream);
            bytes.extend(Frame::Reset { stream, code: code::CANCEL }.encode());
        }
        client.send_bytes(&bytes).await;
        client.barrier().await;
    }
    still_works(&client).await;
}

/// Early answers to uploads: what the client sends on must not count as errors.
#[tokio::test]
async fn what_arrives_on_streams_that_were_answered_early_is_ignored() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let failing = EchoRequest { fail_code: 9, ..EchoRequest::default() };
    let mut streams = Vec::new();
    for _ in 0..200 {
        let stream = client.open(Headers::request("/evenkeel.test.v1.Echo/ClientStream"), false).await;
        client.message(stream, &failing, false).await;
        streams.push(stream);
    }
    for stream in &streams {
        client.expect_reset(*stream).await;
    }
    // h2 charges a connection for each of them, for life, and ends it when some 8,000 have come.
    for _ in 0..100 {
        for stream in &streams {
            client.message(*stream, &with_payload("late"), false).await;
        }
        client.barrier().await;
    }
    still_works(&client).await;
}

/// Drops its requests, and answers for ever.
#[derive(Clone)]
struct Deaf;

impl NamedService for Deaf {
    const NAME: &'static str = "a.Deaf";
}

impl Service<Request<Body>> for Deaf {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let endless = tokio_stream::pending::<Result<http_body::Frame<Bytes>, Status>>();
        let response = Response::builder().header("content-type", "application/grpc");
        ready(Ok(response.body(Body::new(StreamBody::new(endless))).unwrap()))
    }
}

#[tokio::test]
async fn what_arrives_on_streams_that_nobody_reads_is_ignored() {
    let service = EchoService::new("server");
    let builder = Server::builder().add_service(service.clone().into_server()).add_service(Deaf);
    let server = run(builder.bind("127.0.0.1:0").await.unwrap(), service);
    let client = server.raw().await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        let stream = client.open(Headers::request("/a.Deaf/Any"), false).await;
        client.expect_headers(stream).await;
        streams.push(stream);
    }
    for _ in 0..100 {
        for stream in &streams {
            client.data(*stream, "late", false).await;
        }
        client.barrier().await;
    }
    still_works(&client).await;
}

/// gRPC's requests have none. Long ones would be kept until a handler reads them.
#[tokio::test]
async fn trailers_of_a_request_cost_their_stream_when_they_are_long() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for (length, is_refused) in [(20, false), (500, true), (20_000, true)] {
        let stream = client.open(Headers::request(UNARY), false).await;
        client.message(stream, &with_payload("x"), false).await;
        let value = "~".repeat(length);
        client.headers(stream, Headers::default().with("trailer", &value), true).await;
        if is_refused {
            assert_eq!(client.expect_reset(stream).await, code::PROTOCOL_ERROR, "{length}");
        } else {
            assert_eq!(client.expect_messages::<EchoResponse>(stream).await[0].payload, b"x");
        }
        still_works(&client).await;
    }
}

#[tokio::test]
async fn streams_over_the_limit_are_refused_unprocessed() {
    let server = serve(|s| s.max_concurrent_streams(2)).await;
    let client = server.raw().await;
    let settings =
        |frame: &Frame| matches!(frame, Frame::Settings { params, .. } if params.contains(&(3, 2)));
    client.expect("the limit in SETTINGS", settings).await;
    let [first, second, third] = [
        client.call(UNARY, &slow(NEVER)).await,
        client.call(UNARY, &slow(NEVER)).await,
        client.call(UNARY, &slow(NEVER)).await,
    ];
    assert_eq!(client.expect_reset(third).await, code::REFUSED_STREAM);
    client.reset(first, code::CANCEL).await;
    client.barrier().await;
    still_works(&client).await;
    client.reset(second, code::CANCEL).await;
}

#[tokio::test]
async fn garbage_costs_only_the_connection_it_came_on() {
    let server = serve(|s| s).await;
    let healthy = server.raw().await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4096], &[0; 64]] {
        let client = RawClient::connect(server.address, evenkeel_testkit::raw::Automatic::silent()).await;
        client.send_bytes(garbage).await;
        client.expect_closed().await;
    }
    let broken = server.raw().await;
    broken.send_bytes(&[0xff; 4096]).await;
    let (_, code, _) = broken.expect_go_away().await;
    assert_ne!(code, code::NO_ERROR);
    still_works(&healthy).await;
}

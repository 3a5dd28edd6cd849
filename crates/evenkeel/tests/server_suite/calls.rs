//! What services rely on: four kinds of calls, deadlines, layers, connect info.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::Server;
use evenkeel_testkit::echo::{EchoService, PUSH_FIRST};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_server::EchoServer;
use evenkeel_testkit::raw::Headers;
use tokio_stream::StreamExt;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use crate::support::{BIDI, NEVER, UNARY, run, serve, slow, with_payload, within};

#[tokio::test]
async fn all_four_kinds() {
    let server = serve(|s| s).await;
    let mut client = server.client().await;
    let answer = client.unary(with_payload("one")).await.unwrap().into_inner();
    assert_eq!((answer.payload, answer.served_by), (b"one".to_vec(), "server".to_owned()));

    let request = EchoRequest { repeat: 3, ..with_payload("many") };
    let answers: Vec<_> = client.server_stream(request).await.unwrap().into_inner().collect().await;
    assert_eq!(answers.len(), 3);
    assert!(answers.into_iter().all(|answer| answer.unwrap().payload == b"many"));

    let requests = tokio_stream::iter(["a", "b", "c"].map(with_payload));
    let answer = client.client_stream(requests).await.unwrap().into_inner();
    assert_eq!((answer.payload, answer.received), (b"c".to_vec(), 3));

    let requests = tokio_stream::iter(["x", "y"].map(with_payload));
    let answers: Vec<_> = client.bidi(requests).await.unwrap().into_inner().collect().await;
    let payloads: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().payload).collect();
    assert_eq!(payloads, [b"x", b"y"]);
}

#[tokio::test]
async fn messages_larger_than_any_window() {
    let server = serve(|s| s).await;
    let mut client = server.client().await;
    let payload: Vec<u8> = (0..9_000_000_u32).map(|i| i as u8).collect();
    let answer = client.unary(with_payload(payload.clone())).await.unwrap().into_inner();
    assert!(answer.payload == payload);
}

#[tokio::test]
async fn a_failure_brings_its_status_and_metadata_in_trailers() {
    let server = serve(|s| s).await;
    let mut request =
        Request::new(EchoRequest { fail_code: Code::NotFound as u32, repeat: 2, ..EchoRequest::default() });
    request.metadata_mut().insert("x-echo-id", "7".parse().unwrap());
    let mut answers = server.client().await.server_stream(request).await.unwrap().into_inner();
    assert!(answers.next().await.unwrap().is_ok() && answers.next().await.unwrap().is_ok());
    let status = answers.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.metadata().get("x-echo-id").unwrap(), "7");
}

#[tokio::test]
async fn a_small_answer_is_head_data_and_trailers_and_nothing_more() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let stream = client.call(UNARY, &with_payload("x")).await;
    client.expect_messages::<evenkeel_testkit::proto::EchoResponse>(stream).await;
    client.barrier().await;
    let frames: Vec<_> = client.received().into_iter().filter(|f| f.stream() == stream).collect();
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert_eq!(frames[2].headers().unwrap().get("grpc-status"), Some("0"));
}

#[tokio::test]
async fn the_clients_deadline_is_kept_before_the_head() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let stream = client.open(Headers::request(UNARY).with("grpc-timeout", "50m"), false).await;
    client.message(stream, &slow(NEVER), true).await;
    let head = client.expect_headers(stream).await;
    assert_eq!(head.get("grpc-status"), Some("4"), "a Trailers-Only answer: {head:?}");
    assert_eq!(head.get(":status"), Some("200"));
}

#[tokio::test]
async fn the_clients_deadline_is_kept_in_the_body_too() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let headers = Headers::request(BIDI).with("grpc-timeout", "100m").with(PUSH_FIRST, "1");
    let stream = client.open(headers, false).await;
    let head = client.expect_headers(stream).await;
    assert_eq!(head.get("grpc-status"), None);
    assert_eq!(server.service.open_streams(), 1);
    let trailers = client.expect_headers(stream).await;
    assert_eq!(trailers.get("grpc-status"), Some("4"));
    crate::support::eventually("the handler's end", || server.service.open_streams() == 0).await;
}

#[tokio::test]
async fn the_servers_own_limit_holds_for_calls_without_a_deadline() {
    let server = serve(|s| s.timeout(Duration::from_millis(50))).await;
    let status = server.client().await.unary(slow(NEVER)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_servers_own_limit_ends_at_the_head_and_the_clients_deadline_does_not() {
    let limit = Duration::from_millis(20);
    let server = serve(|s| s.timeout(limit)).await;
    let client = server.raw().await;
    let streams = Headers::request(BIDI).with(PUSH_FIRST, "1");
    let lives = client.open(streams.clone(), false).await;
    let ends = client.open(streams.with("grpc-timeout", "200m"), false).await;
    for stream in [lives, ends] {
        assert_eq!(client.expect_headers(stream).await.get("grpc-status"), None);
    }
    // By the time the client's own deadline is over, the server's limit is too.
    assert_eq!(client.expect_headers(ends).await.get("grpc-status"), Some("4"));
    client.message(lives, &with_payload("still here"), true).await;
    let answers = client.expect_messages::<evenkeel_testkit::proto::EchoResponse>(lives).await;
    assert_eq!(answers.last().unwrap().payload, b"still here");
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let stream = client.call("/no.such.Service/Method", &with_payload("x")).await;
    assert_eq!(client.expect_headers(stream).await.get("grpc-status"), Some("12"));
}

#[tokio::test]
async fn a_request_that_is_not_grpc_is_an_unsupported_media_type() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let plain = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", UNARY)];
    let with = |fields: &[(&str, &str)]| {
        fields.iter().fold(Headers::default(), |headers, (name, value)| headers.with(name, value))
    };
    for headers in [with(&plain), with(&plain).with("content-type", "application/json")] {
        let stream = client.open(headers, true).await;
        assert_eq!(client.expect_headers(stream).await.get(":status"), Some("415"));
    }
    let headers = with(&plain).with("content-type", "application/grpc+proto");
    let stream = client.open(headers, false).await;
    client.message(stream, &with_payload("x"), true).await;
    assert_eq!(client.expect_headers(stream).await.get(":status"), Some("200"));
    assert_eq!(server.service.calls(), 1);
}

#[tokio::test]
async fn the_first_layer_sees_a_call_first() {
    let append = |name: &'static str| {
        tower::util::MapRequestLayer::new(move |mut request: http::Request<tonic::body::Body>| {
            request.headers_mut().append("x-echo-seen", name.parse().unwrap());
            request
        })
    };
    let service = EchoService::new("layered");
    let bound = Server::builder()
        .layer(append("first"))
        .layer(append("second"))
        .add_service(service.clone().into_server())
        .bind("127.0.0.1:0");
    let server = run(bound.await.unwrap(), service);
    let answer = server.client().await.unary(EchoRequest::default()).await.unwrap();
    let seen: Vec<_> = answer.metadata().get_all("x-echo-seen").iter().collect();
    assert_eq!(seen, ["first", "second"]);
}

#[tokio::test]
async fn handlers_learn_the_clients_address() {
    let seen: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
    let sink = seen.clone();
    let service = EchoService::new("server");
    let intercepted = EchoServer::with_interceptor(service.clone(), move |request: Request<()>| {
        *sink.lock().unwrap() = request.remote_addr();
        Ok::<_, Status>(request)
    });
    let bound = Server::builder().add_service(intercepted).bind("127.0.0.1:0").await.unwrap();
    let server = run(bound, service);
    server.client().await.unary(EchoRequest::default()).await.unwrap();
    let remote = seen.lock().unwrap().expect("an address");
    assert!(remote.ip().is_loopback() && remote.port() != server.address.port());
}

#[tokio::test]
async fn routes_put_together_elsewhere_are_served_beside_services() {
    let echo = EchoService::new("server");
    let (_, health) = tonic_health::server::health_reporter();
    let bound = Server::builder()
        .add_service(echo.clone().into_server())
        .health_service(false)
        .add_routes(tonic::service::Routes::new(health))
        .bind("127.0.0.1:0");
    let server = run(bound.await.unwrap(), echo);
    server.client().await.unary(EchoRequest::default()).await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn metadata_goes_both_ways_in_binary_too() {
    let server = serve(|s| s).await;
    let mut metadata = MetadataMap::new();
    metadata.insert("x-echo-text", "plain".parse().unwrap());
    metadata.insert_bin("x-echo-raw-bin", tonic::metadata::MetadataValue::from_bytes(&[0, 255, 7]));
    let request = Request::from_parts(metadata, tonic::Extensions::new(), EchoRequest::default());
    let answer = server.client().await.unary(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-echo-text").unwrap(), "plain");
    assert_eq!(answer.metadata().get_bin("x-echo-raw-bin").unwrap().to_bytes().unwrap()[..], [0, 255, 7]);
}

/// Neither side reads before both have sent everything: windows and budgets must hold 10,000 messages each way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_wait_in_both_directions() {
    let server = serve(|s| s).await;
    let (all_sent, sent) = tokio::sync::oneshot::channel();
    let mut all_sent = Some(all_sent);
    let end = std::iter::from_fn(move || {
        let _ = all_sent.take().map(|all_sent| all_sent.send(()));
        None
    });
    let requests = (0..10_000).map(|_| with_payload("m")).chain(end);
    let mut request = Request::new(tokio_stream::iter(requests));
    request.metadata_mut().insert(PUSH_FIRST, "10000".parse().unwrap());
    let mut answers = server.client().await.bidi(request).await.unwrap().into_inner();
    // The response's head is here, so the handler pushes.
    within("all requests sent", sent).await.unwrap();
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        answer.unwrap();
        count += 1;
    }
    assert_eq!(count, 20_000);
}

//! Requests that no handler should see, and what their senders are told; metadata of any length, both ways.

use std::time::Duration;

use evenkeel::Server;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Headers, RawClient, code, setting};
use tonic::Code;
use tonic::service::Routes;

use crate::support::{NEVER, Running, UNARY, run, serve, slow, with_payload};

fn request(method: &str, path: &str, content_type: Option<&str>) -> Headers {
    let fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
    let head = Headers::from(fields).with("te", "trailers");
    match content_type {
        Some(content_type) => head.with("content-type", content_type),
        None => head,
    }
}

/// The head of the answer to a request that is only a head.
async fn answer(client: &RawClient, headers: Headers) -> Headers {
    let stream = client.open(headers, true).await;
    client.expect_headers(stream).await
}

fn assert_answer(head: &Headers, http: &str, grpc: Option<Code>, words: &str) {
    assert_eq!(head.get(":status"), Some(http), "{head:?}");
    assert_eq!(head.get("grpc-status"), grpc.map(|code| (code as i32).to_string()).as_deref(), "{head:?}");
    let message = head.get("grpc-message").unwrap_or_default().replace("%20", " ");
    assert!(message.contains(words), "{words}: {head:?}");
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_on_every_path() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for path in [UNARY, "/healthz", "/", "/no.such.Service/Method"] {
        for (method, content_type, http, grpc, words) in [
            ("GET", None, "415", Code::InvalidArgument, "none"),
            ("POST", None, "415", Code::InvalidArgument, "none"),
            ("POST", Some("application/json"), "415", Code::InvalidArgument, "application/json"),
            ("POST", Some("application/grpc-web"), "415", Code::InvalidArgument, "grpc-web"),
            ("POST", Some("application/grpc+thrift"), "415", Code::InvalidArgument, "codec"),
            ("GET", Some("application/grpc"), "405", Code::Internal, "POST"),
            ("PUT", Some("application/grpc+proto"), "405", Code::Internal, "POST"),
            ("DELETE", Some("application/grpc;x=y"), "405", Code::Internal, "POST"),
        ] {
            let head = answer(&client, request(method, path, content_type)).await;
            assert_answer(&head, http, Some(grpc), words);
        }
    }
    assert_eq!(server.service.calls(), 0);
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
        let stream = client.open(request("POST", UNARY, Some(content_type)), false).await;
        client.message(stream, &with_payload("x"), true).await;
        assert_eq!(client.expect_messages::<EchoResponse>(stream).await[0].payload, b"x");
    }
}

#[tokio::test]
async fn a_codec_that_the_program_names_is_let_in() {
    let server = serve(|s| s.content_subtype("thrift")).await;
    let client = server.raw().await;
    let stream = client.open(request("POST", UNARY, Some("application/grpc+thrift")), false).await;
    client.message(stream, &with_payload("x"), true).await;
    assert_eq!(client.expect_headers(stream).await.get(":status"), Some("200"));
    assert_eq!(server.service.calls(), 1);
}

#[tokio::test]
async fn a_service_or_method_that_is_not_there_is_named() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for (path, words) in [
        ("/evenkeel.test.v1.Echo/Nope", "unknown method Nope for service evenkeel.test.v1.Echo"),
        ("/evenkeel.test.v2.Echo/Unary", "unknown service evenkeel.test.v2.Echo"),
        ("/a/b/c", "unknown service a/b"),
        ("/", "unknown service"),
    ] {
        let head = answer(&client, Headers::request(path)).await;
        assert_answer(&head, "200", Some(Code::Unimplemented), words);
    }
}

#[tokio::test]
async fn a_program_that_adds_http_routes_keeps_them() {
    let routes = Routes::new(EchoService::new("routes").into_server()).into_axum_router();
    let healthy = tower::service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(tonic::body::Body::empty()))
    });
    let routes = Routes::from(routes.route_service("/healthz", healthy));
    let bound = Server::builder().add_routes(routes).bind("127.0.0.1:0").await.unwrap();
    let server = run(bound, EchoService::new("unused"));
    let client = server.raw().await;
    assert_answer(&answer(&client, request("GET", "/healthz", None)).await, "200", None, "");

    // What is gRPC's is looked at as if it had been added by itself.
    for path in [UNARY, "/evenkeel.test.v1.Echo/Nope", "/readyz", "/no.such.Service/Method"] {
        for (method, content_type, http, grpc) in [
            ("GET", None, "415", Code::InvalidArgument),
            ("POST", Some("application/json"), "415", Code::InvalidArgument),
            ("GET", Some("application/grpc"), "405", Code::Internal),
        ] {
            assert_answer(&answer(&client, request(method, path, content_type)).await, http, Some(grpc), "");
        }
    }
    for (path, words) in [
        ("/evenkeel.test.v1.Echo/Nope", "unknown method Nope for service evenkeel.test.v1.Echo"),
        ("/evenkeel.test.v2.Echo/Unary", "unknown service evenkeel.test.v2.Echo"),
    ] {
        assert_answer(
            &answer(&client, Headers::request(path)).await,
            "200",
            Some(Code::Unimplemented),
            words,
        );
    }
    let stream = client.call(UNARY, &with_payload("x")).await;
    assert_eq!(client.expect_messages::<EchoResponse>(stream).await[0].payload, b"x");
}

#[tokio::test]
async fn a_call_whose_time_is_over_reaches_no_handler() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    for value in ["0n", "0S", "0H"] {
        let head = answer(&client, Headers::request(UNARY).with("grpc-timeout", value)).await;
        assert_answer(&head, "200", Some(Code::DeadlineExceeded), "time is over");
    }
    for value in ["abc", "", "1", "-1S", "123456789m"] {
        let head = answer(&client, Headers::request(UNARY).with("grpc-timeout", value)).await;
        assert_answer(&head, "400", Some(Code::Internal), "malformed grpc-timeout");
    }
    assert_eq!(server.service.calls(), 0);
}

#[tokio::test]
async fn two_hosts_are_one_too_many() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let two = Headers::request(UNARY).with("host", "a").with("host", "b");
    assert_answer(&answer(&client, two).await, "400", Some(Code::Internal), "host");
    let malformed = [
        Headers::from([
            (":method", "POST"),
            (":authority", "a"),
            (":authority", "b"),
            (":path", UNARY),
            (":scheme", "http"),
        ]),
        Headers::request(UNARY).with("connection", "close"),
        Headers::request(UNARY).with("te", "gzip"),
        Headers::request(UNARY).with("content-length", "3"),
        Headers::request(UNARY).with(":late", "pseudo-header"),
    ];
    for headers in malformed.into_iter().take(4) {
        let stream = client.open(headers, true).await;
        assert_eq!(client.expect_reset(stream).await, code::PROTOCOL_ERROR);
    }
    let none = Headers::from([(":method", "POST"), (":scheme", "http"), (":path", UNARY)]);
    let stream = client.open(none.with("content-type", "application/grpc"), false).await;
    client.message(stream, &with_payload("x"), true).await;
    assert_eq!(client.expect_messages::<EchoResponse>(stream).await.len(), 1, "the connection lives");
}

/// A call that goes on beside it, on the same connection.
async fn beside(client: &RawClient) -> u32 {
    client.call(UNARY, &slow(Duration::from_millis(1))).await
}

#[tokio::test]
async fn metadata_that_are_too_long_cost_their_own_call() {
    let server = serve(|s| s).await;
    let client = server.raw().await;
    let announced = |params: &Vec<(u16, u32)>| params.contains(&(setting::MAX_HEADER_LIST_SIZE, 16 << 10));
    client
        .expect("the limit in SETTINGS", |frame| {
            matches!(frame, evenkeel_testkit::raw::Frame::Settings { params, .. } if announced(params))
        })
        .await;
    let running = client.call(UNARY, &slow(NEVER)).await;
    let many =
        (0..60).fold(Headers::request(UNARY), |all, i| all.with(&format!("x-{i}"), &"y".repeat(1_000)));
    let sizes = [17_000, 70_000, 500_000, 1_000_000];
    let long = sizes.map(|size| Headers::request(UNARY).with("x-long", &"y".repeat(size)));
    for headers in long.into_iter().chain([many]) {
        let head = answer(&client, headers).await;
        assert_answer(&head, "200", Some(Code::ResourceExhausted), "this server takes 16384");
        let stream = beside(&client).await;
        client.expect_messages::<EchoResponse>(stream).await;
    }
    client.reset(running, code::CANCEL).await;
    client.barrier().await;
}

#[tokio::test]
async fn the_limit_of_metadata_is_the_programs() {
    let server = serve(|s| s.max_header_list_size(100_000)).await;
    let client = server.raw().await;
    let stream = client.open(Headers::request(UNARY).with("x-long", &"y".repeat(90_000)), false).await;
    client.message(stream, &with_payload("x"), true).await;
    client.expect_messages::<EchoResponse>(stream).await;
}

/// A client that takes little, and a handler whose failure is long.
#[tokio::test]
async fn a_status_is_shortened_to_what_the_client_takes() {
    let server = serve(|s| s).await;
    let automatic = Automatic::default().settings(&[(setting::MAX_HEADER_LIST_SIZE, 400)]);
    let client = RawClient::connect(server.address, automatic).await;
    let long = "ö".repeat(2_000);
    for path in [UNARY, "/evenkeel.test.v1.Echo/ServerStream"] {
        let stream = client.call(path, &failing(&long)).await;
        let trailers = loop {
            let head = client.expect_headers(stream).await;
            if head.get("grpc-status").is_some() {
                break head;
            }
        };
        assert_eq!(trailers.get("grpc-status"), Some("9"), "{trailers:?}");
        let size: usize = trailers.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        assert!((300..=400).contains(&size), "{size}: {trailers:?}");
        assert!(trailers.get("grpc-message").unwrap().starts_with("%C3%B6%C3%B6"), "{trailers:?}");
    }
}

fn failing(text: &str) -> EchoRequest {
    EchoRequest { fail_code: Code::FailedPrecondition as u32, ..with_payload(text) }
}

#[tokio::test]
async fn metadata_of_a_response_that_are_too_long_are_an_error_of_that_call() {
    let server: Running = serve(|s| s).await;
    let automatic = Automatic::default().settings(&[(setting::MAX_HEADER_LIST_SIZE, 400)]);
    let client = RawClient::connect(server.address, automatic).await;
    let stream = client.open(Headers::request(UNARY).with("x-echo-long", &"y".repeat(500)), false).await;
    client.message(stream, &with_payload("x"), true).await;
    let head = client.expect_headers(stream).await;
    assert_answer(&head, "200", Some(Code::ResourceExhausted), "the client takes 400");
}

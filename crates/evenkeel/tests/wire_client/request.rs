//! What a request looks like on the wire.

use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawConnection, RawServer};
use tonic::{Code, Request};

use super::support::{
    Answer, UNARY, answer, builder, client, expect_unary, first_call, message, start, unary, unary_request,
};

/// The frames of one stream.
fn frames(connection: &RawConnection, stream: u32) -> Vec<Frame> {
    connection.received().into_iter().filter(|frame| frame.stream() == stream).collect()
}

async fn head_of(server: &RawServer, client: &EchoClient<evenkeel::Channel>) -> Headers {
    let call = unary(client, "first");
    let connection = server.accept().await;
    let (stream, headers) = connection.expect_request().await;
    connection.respond(stream, &answer("first")).await;
    call.end().await.unwrap();
    headers
}

#[tokio::test]
async fn a_unary_request_is_one_headers_and_one_data_with_end_stream() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let call = unary(&client, "hello");
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("hello")).await;
    call.end().await.unwrap();
    connection.barrier().await;
    let frames = frames(&connection, stream);
    let [Frame::Headers { end_stream: false, .. }, Frame::Data { data, end_stream: true, .. }] = &frames[..]
    else {
        panic!("{frames:?}")
    };
    assert!(!data.is_empty());
}

#[tokio::test]
async fn the_head_is_what_grpc_asks_for() {
    let server = RawServer::start(Automatic::default()).await;
    let headers = head_of(&server, &client(&server)).await;
    let authority = server.address().to_string();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", authority.as_str()),
        (":path", UNARY),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ] {
        assert_eq!(headers.get(name), Some(value), "{headers:?}");
    }
    assert!(headers.get("user-agent").is_some_and(|agent| agent.contains("evenkeel/")), "{headers:?}");
    for name in ["te", "content-type", "user-agent", ":path"] {
        assert_eq!(headers.iter().filter(|(n, _)| *n == name).count(), 1, "{headers:?}");
    }
    let first_regular = headers.iter().position(|(name, _)| !name.starts_with(':')).unwrap();
    assert!(headers.iter().skip(first_regular).all(|(name, _)| !name.starts_with(':')), "{headers:?}");
}

#[tokio::test]
async fn authority_and_user_agent_can_be_set() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = builder(&server).authority("school.example:443").user_agent("school/1.0").build().unwrap();
    let headers = head_of(&server, &EchoClient::new(channel)).await;
    assert_eq!(headers.get(":authority"), Some("school.example:443"));
    let agent = headers.get("user-agent").unwrap();
    assert!(agent.starts_with("school/1.0 ") && agent.contains("evenkeel/"), "{agent}");
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut request = Request::new(message("with metadata"));
    request.metadata_mut().insert("x-plain", "value".parse().unwrap());
    request.metadata_mut().insert_bin("x-binary-bin", tonic::metadata::MetadataValue::from_bytes(&[0, 255]));
    let mut calling = client.clone();
    let call = tokio::spawn(async move { calling.unary(request).await });
    let (stream, headers) = connection.expect_request().await;
    assert_eq!(headers.get("x-plain"), Some("value"));
    assert_eq!(headers.get("x-binary-bin").map(|value| value.trim_end_matches('=')), Some("AP8"));

    connection.headers(stream, Headers::response().with("x-head", "initial"), false).await;
    connection.message(stream, &answer("done"), false).await;
    connection.headers(stream, Headers::trailers(0).with("x-tail", "trailing"), true).await;
    let response: Answer<EchoResponse> = call.await.unwrap();
    let response = response.unwrap();
    assert_eq!(response.metadata().get("x-head").unwrap(), "initial");
    assert_eq!(response.metadata().get("x-tail").unwrap(), "trailing");
    let peer = response.extensions().get::<evenkeel::Peer>().expect("the response names its peer");
    assert_eq!(*peer.address(), evenkeel::Address::from(server.address()));
}

#[tokio::test]
async fn a_large_message_ends_with_its_last_data_frame() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let payload: Vec<u8> = (0..(1 << 20)).map(|i: u32| (i % 251) as u8).collect();
    let request = EchoRequest { payload, ..EchoRequest::default() };
    let call = unary_request(&client, Request::new(request.clone()));
    let (stream, _) = connection.expect_request().await;
    assert_eq!(connection.expect_messages::<EchoRequest>(stream).await, [request]);
    connection.respond(stream, &answer("done")).await;
    call.end().await.unwrap();
    let frames = frames(&connection, stream);
    assert!(
        matches!(frames.last(), Some(Frame::Data { data, end_stream: true, .. }) if !data.is_empty()),
        "{frames:?}"
    );
}

#[tokio::test]
async fn a_stream_of_messages_that_are_there_ends_with_the_last_of_them() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let messages = tokio_stream::iter(["one", "two", "three"].map(message));
    let call = start(async move { streaming.client_stream(messages).await });
    let (stream, _) = connection.expect_request().await;
    let seen = connection.expect_messages::<EchoRequest>(stream).await;
    assert_eq!(seen, ["one", "two", "three"].map(message));
    connection.respond(stream, &answer("done")).await;
    call.end().await.unwrap();
    let frames = frames(&connection, stream);
    assert!(
        matches!(frames.last(), Some(Frame::Data { data, end_stream: true, .. }) if !data.is_empty()),
        "{frames:?}"
    );
}

#[tokio::test]
async fn a_request_without_messages_is_only_ended() {
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let mut streaming = client.clone();
    let call = start(async move { streaming.client_stream(tokio_stream::empty()).await });
    let (stream, _) = connection.expect_request().await;
    assert_eq!(connection.expect_messages::<EchoRequest>(stream).await, []);
    connection.headers(stream, Headers::trailers_only(3, "nothing"), true).await;
    assert_eq!(call.status().await.code(), Code::InvalidArgument);
}

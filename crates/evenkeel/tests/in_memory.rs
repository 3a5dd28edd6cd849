//! A channel to a server in memory, as a program's unit tests use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::testing::{InMemoryError, in_memory, in_memory_with};
use evenkeel::{BindError, ConnectivityState, Server};
use evenkeel_testkit::echo::{EchoService, PUSH_FIRST};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use tokio_stream::StreamExt;
use tonic::{Code, Request};

fn with_payload(payload: impl Into<Vec<u8>>) -> EchoRequest {
    EchoRequest { payload: payload.into(), ..EchoRequest::default() }
}

#[tokio::test]
async fn calls_of_every_kind_and_messages_larger_than_the_pipe() {
    let echo = EchoService::new("memory");
    let channel = in_memory(Server::builder().add_service(echo.clone().into_server())).await.unwrap();
    assert_eq!(channel.state(), ConnectivityState::Ready);
    let mut client = EchoClient::new(channel).max_decoding_message_size(usize::MAX);
    let large = client.unary(with_payload(vec![7; 3 << 20])).await.unwrap().into_inner();
    assert_eq!((large.payload.len(), &*large.served_by), (3 << 20, "memory"));
    let answers = client.bidi(tokio_stream::iter((0..100).map(|_| with_payload("x")))).await.unwrap();
    assert_eq!(answers.into_inner().collect::<Vec<_>>().await.len(), 100);
    let failing = EchoRequest { fail_code: Code::Aborted as u32, ..EchoRequest::default() };
    assert_eq!(client.unary(failing).await.unwrap_err().code(), Code::Aborted);
}

/// Tells when the server that owns it is gone.
#[derive(Clone)]
struct Owned(#[allow(dead_code, reason = "held to be dropped")] Arc<()>);

#[tokio::test]
async fn dropping_the_channel_ends_the_server_and_its_streams_end_first() {
    let owned = Arc::new(());
    let held = Owned(Arc::clone(&owned));
    let echo = EchoService::new("memory");
    let layer = tower::util::MapRequestLayer::new(move |request: http::Request<tonic::body::Body>| {
        let _held = &held;
        request
    });
    let server = Server::builder().layer(layer).add_service(echo.clone().into_server());
    let channel = in_memory(server).await.unwrap();
    let mut client = EchoClient::new(channel);
    let mut request = Request::new(tokio_stream::pending::<EchoRequest>());
    request.metadata_mut().insert(PUSH_FIRST, "1".parse().unwrap());
    let mut answers = client.bidi(request).await.unwrap().into_inner();
    drop(client);
    assert!(answers.next().await.unwrap().is_ok(), "a call that runs outlives the channel");
    assert!(Arc::strong_count(&owned) > 1);
    drop(answers);
    tokio::time::timeout(Duration::from_secs(60), async {
        while Arc::strong_count(&owned) > 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the server is gone");
    assert_eq!(echo.open_streams(), 0);
}

#[tokio::test]
async fn a_connection_that_aged_is_replaced() {
    let echo = EchoService::new("memory");
    let server =
        Server::builder().max_connection_age(Duration::from_millis(20)).add_service(echo.into_server());
    let channel = in_memory(server).await.unwrap();
    let mut client = EchoClient::new(channel);
    for _ in 0..50 {
        client.unary(with_payload("x")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_setting_of_either_side_is_used_and_a_bad_one_is_an_error() {
    let echo = || Server::builder().add_service(EchoService::new("memory").into_server());
    let channel = in_memory_with(echo(), |channel| channel.timeout(Duration::from_millis(50))).await.unwrap();
    let slow = EchoRequest { delay_ms: 600_000, ..EchoRequest::default() };
    let status = EchoClient::new(channel).unary(slow).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);

    let error = in_memory(Server::builder()).await.unwrap_err();
    assert!(matches!(error, InMemoryError::Bind(BindError::NoService)), "{error:?}");
    let error = in_memory(echo().max_frame_size(1)).await.unwrap_err();
    assert!(error.to_string().contains("max_frame_size"), "{error}");
    let error = in_memory_with(echo(), |channel| channel.max_frame_size(1)).await.unwrap_err();
    assert!(error.to_string().contains("max_frame_size"), "{error}");
}

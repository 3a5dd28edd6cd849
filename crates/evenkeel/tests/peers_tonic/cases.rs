//! What every pair must do.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::DEADLINE;
use http_body::Body;
use tonic::client::GrpcService;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a channel must be for the generated client, and for calls beside each other.
pub(crate) trait Transport:
    GrpcService<
        tonic::body::Body,
        ResponseBody: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Transport for T where
    T: GrpcService<
            tonic::body::Body,
            ResponseBody: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
            Error: Into<BoxError>,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// Waits for something that must happen, however slow the machine is.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}"),
    }
}

fn message(payload: &[u8]) -> EchoRequest {
    EchoRequest { payload: payload.to_vec(), ..EchoRequest::default() }
}

pub(crate) async fn unary<T: Transport>(mut client: EchoClient<T>, service: EchoService) {
    for i in 0..10_u8 {
        let response = within("the answer", client.unary(message(&[i]))).await.unwrap().into_inner();
        assert_eq!((response.payload, response.received), (vec![i], 1));
    }
    assert_eq!(service.calls(), 10);
}

pub(crate) async fn server_streaming<T: Transport>(mut client: EchoClient<T>, _: EchoService) {
    let request = EchoRequest { repeat: 100, ..message(b"again") };
    let mut stream = within("the head", client.server_stream(request)).await.unwrap().into_inner();
    let mut count = 0;
    while let Some(response) = within("a message", stream.message()).await.unwrap() {
        assert_eq!(response.payload, b"again");
        count += 1;
    }
    assert_eq!(count, 100);
}

pub(crate) async fn client_streaming<T: Transport>(mut client: EchoClient<T>, _: EchoService) {
    let messages = tokio_stream::iter((0..100_u8).map(|i| message(&[i])));
    let response = within("the answer", client.client_stream(messages)).await.unwrap().into_inner();
    assert_eq!((response.received, response.payload), (100, vec![99]));
}

pub(crate) async fn bidirectional<T: Transport>(mut client: EchoClient<T>, _: EchoService) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut stream = within("the head", client.bidi(messages)).await.unwrap().into_inner();
    // Each message only after the answer to the one before.
    for i in 0..100_u8 {
        sender.send(message(&[i])).await.unwrap();
        let response = within("a message", stream.message()).await.unwrap().unwrap();
        assert_eq!(response.payload, [i]);
    }
    drop(sender);
    assert_eq!(within("the end", stream.message()).await.unwrap(), None);
}

pub(crate) async fn messages_of_one_mebibyte<T: Transport>(client: EchoClient<T>, _: EchoService) {
    let payload: Vec<u8> = (0..(1 << 20)).map(|i: u32| (i % 253) as u8).collect();
    let mut client = client.max_decoding_message_size(usize::MAX);
    let response = within("the answer", client.unary(message(&payload))).await.unwrap().into_inner();
    assert!(response.payload == payload);
    let messages = tokio_stream::iter(vec![message(&payload); 3]);
    let mut stream = within("the head", client.bidi(messages)).await.unwrap().into_inner();
    for _ in 0..3 {
        let response = within("a message", stream.message()).await.unwrap().unwrap();
        assert!(response.payload == payload);
    }
    assert!(within("the end", stream.message()).await.unwrap().is_none());
}

pub(crate) async fn failures_bring_their_trailers<T: Transport>(mut client: EchoClient<T>, _: EchoService) {
    let failing = EchoRequest { fail_code: Code::OutOfRange as u32, repeat: 2, ..message(b"") };
    let request = || {
        let mut request = Request::new(failing.clone());
        request.metadata_mut().insert("x-echo-text", "tail".parse().unwrap());
        request.metadata_mut().insert_bin("x-echo-raw-bin", MetadataValue::from_bytes(&[0, 254, 255]));
        request
    };
    let mut statuses = vec![within("the end", client.unary(request())).await.unwrap_err()];
    let mut stream = within("the head", client.server_stream(request())).await.unwrap().into_inner();
    for _ in 0..2 {
        within("a message", stream.message()).await.unwrap().unwrap();
    }
    statuses.push(within("the end", stream.message()).await.unwrap_err());
    for status in statuses {
        assert_eq!((status.code(), status.message()), (Code::OutOfRange, "the request asked to fail"));
        assert_eq!(status.metadata().get("x-echo-text").unwrap(), "tail");
        let raw = status.metadata().get_bin("x-echo-raw-bin").unwrap().to_bytes().unwrap();
        assert_eq!(raw[..], [0, 254, 255]);
    }
}

pub(crate) async fn a_deadline_ends_the_call<T: Transport>(mut client: EchoClient<T>, _: EchoService) {
    let mut request = Request::new(EchoRequest { delay_ms: 120_000, ..message(b"slow") });
    request.set_timeout(Duration::from_millis(200));
    let status = within("the deadline", client.unary(request)).await.unwrap_err();
    // tonic's own channel calls its expiry CANCELLED.
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
}

pub(crate) async fn a_cancelled_stream_ends_at_the_server<T: Transport>(
    mut client: EchoClient<T>,
    service: EchoService,
) {
    let request = EchoRequest { repeat: u32::MAX, ..message(&[0; 1000]) };
    let mut stream = within("the head", client.server_stream(request)).await.unwrap().into_inner();
    within("a message", stream.message()).await.unwrap().unwrap();
    assert_eq!(service.open_streams(), 1);
    drop(stream);
    within("the end of the stream at the server", async {
        while service.open_streams() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    within("the next answer", client.unary(message(b"next"))).await.unwrap();
}

pub(crate) async fn many_calls_at_once<T: Transport>(client: EchoClient<T>, service: EchoService) {
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..500_u32 {
        let mut client = client.clone();
        calls.spawn(async move {
            let payload = i.to_be_bytes();
            let response = client.unary(message(&payload)).await.unwrap().into_inner();
            assert_eq!(response.payload, payload);
        });
    }
    within("all answers", calls.join_all()).await;
    assert_eq!(service.calls(), 500);
}

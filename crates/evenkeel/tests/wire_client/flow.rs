//! Readers that are slow: flow control holds, and the connection and its other calls go on.

use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Headers, RawServer};
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::Request;

use super::support::{answer, client, expect_unary, first_call, message, unary, within};

#[tokio::test]
async fn twenty_thousand_small_unread_messages_do_not_kill_the_connection() {
    const COUNT: usize = 20_000;
    let server = RawServer::start(Automatic::default()).await;
    let client = client(&server);
    let connection = first_call(&server, &client).await;
    let (stream, id) = within("the head", async {
        let mut calling = client.clone();
        tokio::join!(calling.server_stream(Request::new(message("many"))), async {
            let (id, _) = connection.expect_request().await;
            connection.headers(id, Headers::response(), false).await;
            id
        })
    })
    .await;
    for _ in 0..COUNT {
        connection.message(id, &answer("small"), false).await;
    }
    connection.trailers(id, 0).await;
    connection.barrier().await;

    // The connection serves others while nobody reads.
    let call = unary(&client, "other");
    let (other, _) = expect_unary(&connection).await;
    connection.respond(other, &answer("other")).await;
    call.end().await.unwrap();

    let mut stream = stream.unwrap().into_inner();
    let mut seen = 0;
    while let Some(message) = within("the next message", stream.message()).await.unwrap() {
        assert_eq!(message.payload, b"small");
        seen += 1;
    }
    assert_eq!(seen, COUNT);
}

#[tokio::test]
async fn a_stream_that_nobody_reads_stops_at_its_window_and_goes_on_when_read() {
    const COUNT: u32 = 40_000;
    let server = TonicServer::start("tonic");
    let channel = evenkeel::Channel::builder(server.target()).build().unwrap();
    let mut client = EchoClient::new(channel);
    let request = EchoRequest { payload: vec![7; 200], repeat: COUNT, ..EchoRequest::default() };
    // Eight megabytes, eight times the stream's window.
    let response = within("the head", client.server_stream(Request::new(request))).await.unwrap();
    for i in 0..200 {
        let call = unary(&client, &i.to_string());
        assert_eq!(call.end().await.unwrap().payload, i.to_string().as_bytes());
    }
    assert_eq!(server.service().open_streams(), 1, "the server still has messages to send");
    let mut stream = response.into_inner();
    let mut seen = 0;
    while let Some(message) = within("the next message", stream.message()).await.unwrap() {
        assert_eq!(message.payload.len(), 200);
        seen += 1;
    }
    assert_eq!(seen, COUNT);
}

//! Responses that nobody reads: they hold their own window and their share of the connection's, and nothing else.
//!
//! HTTP/2 has one window per stream and one for all of a connection's streams. With the defaults (1 MiB and 4 MiB)
//! three readers that stand still are not felt; four hold the whole connection, until one of them reads or is dropped.

use std::time::Duration;

use evenkeel::Channel;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::DEADLINE;
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::{Code, Request, Status, Streaming};

use super::support::{Client, call, ours, within};
use super::world::World;

const BIG: usize = 64 << 10;

/// Sixteen megabytes in messages of `size` bytes, sixteen times a stream's window, that nobody reads yet.
async fn unread(client: &Client, size: usize) -> Streaming<EchoResponse> {
    let repeat = ((16 << 20) / size) as u32;
    let request = EchoRequest { payload: vec![7; size], repeat, ..EchoRequest::default() };
    within("the head", client.clone().server_stream(Request::new(request))).await.unwrap().into_inner()
}

async fn read_all(mut stream: Streaming<EchoResponse>) -> usize {
    let mut bytes = 0;
    while let Some(message) = within("the next message", stream.message()).await.unwrap() {
        bytes += message.payload.len();
    }
    bytes
}

/// A call whose answer is one message of this many bytes.
async fn download(client: &Client, bytes: usize, timeout: Duration) -> Result<(), Status> {
    let mut request = Request::new(EchoRequest { payload: vec![1; bytes], ..EchoRequest::default() });
    request.set_timeout(timeout);
    let answer = within("the end of a call", client.clone().unary(request)).await?;
    assert_eq!(answer.into_inner().payload.len(), bytes);
    Ok(())
}

fn one_connection(pod: &TonicServer) -> Client {
    EchoClient::new(Channel::builder(pod.target()).build().unwrap())
}

#[tokio::test]
async fn three_responses_that_nobody_reads_do_not_hold_up_their_connection() {
    let pod = TonicServer::start("pod");
    let client = one_connection(&pod);
    let mut streams = Vec::new();
    for size in [BIG, BIG, 1_600] {
        streams.push(unread(&client, size).await);
    }
    for _ in 0..100 {
        download(&client, 100_000, DEADLINE).await.unwrap();
    }
    assert_eq!(pod.service().open_streams(), 3, "the server still has messages to send");
    for stream in streams {
        assert!(read_all(stream).await >= (16 << 20) - BIG);
    }
}

/// Four stand still: nothing can be sent on their connection any more.
async fn stalled(client: &Client) -> Vec<Streaming<EchoResponse>> {
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(unread(client, BIG).await);
    }
    // Calls end as soon as the windows are full, by their deadline and by nothing else.
    let late = within("a call that stalls", async {
        loop {
            if let Err(status) = download(client, 100_000, Duration::from_millis(500)).await {
                return status;
            }
        }
    });
    assert_eq!(late.await.code(), Code::DeadlineExceeded);
    streams
}

#[tokio::test]
async fn four_stall_their_connection_until_one_is_read() {
    let pod = TonicServer::start("pod");
    let client = one_connection(&pod);
    let mut streams = stalled(&client).await;
    let read = streams.pop().unwrap();
    assert_eq!(read_all(read).await, 16 << 20);
    download(&client, 100_000, DEADLINE).await.unwrap();
    for stream in streams {
        assert_eq!(read_all(stream).await, 16 << 20, "nothing was killed");
    }
}

#[tokio::test]
async fn four_stall_their_connection_until_one_is_dropped() {
    let pod = TonicServer::start("pod");
    let client = one_connection(&pod);
    let mut streams = stalled(&client).await;
    drop(streams.pop());
    for _ in 0..20 {
        download(&client, 100_000, DEADLINE).await.unwrap();
    }
    drop(streams);
    // With all of them gone, all of the window is back: four more fit again before anything stalls.
    let three = [unread(&client, BIG).await, unread(&client, BIG).await, unread(&client, BIG).await];
    for _ in 0..20 {
        download(&client, 100_000, DEADLINE).await.unwrap();
    }
    drop(three);
}

#[tokio::test]
async fn a_stalled_connection_is_the_trouble_of_its_pod_alone() {
    let address = ours("stalled").await;
    let world = World::start_with(address, Duration::from_secs(2), |builder| builder).await;
    world.bad_serves("stalled", 5).await;
    let client = world.client();
    let mut streams = Vec::new();
    // Every third call goes to the pod in question, in turn.
    for _ in 0..60 {
        let mut on_it = client.clone();
        let request = EchoRequest { payload: vec![7; BIG], repeat: 256, ..EchoRequest::default() };
        let response = within("the head", on_it.server_stream(Request::new(request))).await;
        // Once the pod's connection is stalled, a head is still sent: it needs no window.
        let response = response.unwrap();
        let peer = response.extensions().get::<evenkeel::Peer>().unwrap().address().to_string();
        if peer == address.to_string() {
            streams.push(response.into_inner());
        }
        if streams.len() == 5 {
            break;
        }
    }
    world.failures(5).await;
    drop(streams);
    world.bad_serves("stalled", 20).await;
    for status in world.end().await {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    }
}

#[tokio::test]
async fn a_call_stays_fast_beside_one_that_nobody_reads_over_both_our_sides() {
    let address = ours("ours").await;
    let client = EchoClient::new(Channel::builder(format!("ipv4:{address}")).build().unwrap());
    let stream = unread(&client, 16).await;
    for _ in 0..50 {
        call(&client, DEADLINE).await.unwrap();
    }
    assert_eq!(read_all(stream).await, 16 << 20);
}

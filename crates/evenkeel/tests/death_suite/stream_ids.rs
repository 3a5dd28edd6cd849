//! The end of the stream ids: the connection is replaced in time, and no call is lost.

use std::sync::Arc;

use evenkeel::Channel;
use evenkeel_testkit::forwarder::Forwarder;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::Request;

use super::support::{message, within};
use super::world::World;

/// Fifty streams to a connection, or up to a tenth fewer.
const LAST_STREAM_ID: u32 = 100;

#[tokio::test]
async fn calls_in_number_over_connections_that_run_out_of_stream_ids() {
    const CALLS: usize = 3_000;
    let pod = TonicServer::start("pod");
    let between = Forwarder::start(pod.address()).await;
    let builder = Channel::builder(format!("ipv4:{}", between.address())).last_stream_id(LAST_STREAM_ID);
    let client = EchoClient::new(builder.build().unwrap());
    let turns = Arc::new(Semaphore::new(20));
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let turn = within("a turn", turns.clone().acquire_owned()).await.unwrap();
        let mut client = client.clone();
        calls.spawn(async move {
            let answer = client.unary(Request::new(message("a call"))).await;
            drop(turn);
            answer
        });
    }
    for answer in within("their end", calls.join_all()).await {
        answer.expect("no call is lost");
    }
    assert_eq!(pod.service().calls(), CALLS as u64, "none was made twice");
    // Calls that are under way when the limit is passed go past it, so a connection may carry more than fifty.
    let connections = between.connections();
    assert!((10..=CALLS / 45).contains(&connections), "{connections} connections for {CALLS} calls");
}

#[tokio::test]
async fn a_stream_that_runs_finishes_on_the_old_connection() {
    let pod = TonicServer::start("pod");
    let builder = Channel::builder(pod.target()).last_stream_id(LAST_STREAM_ID);
    let client = EchoClient::new(builder.build().unwrap());
    let (first, rest) = (tokio_stream::once(message("0")), tokio::sync::mpsc::unbounded_channel());
    let (sender, receiver) = rest;
    let messages = tokio_stream::StreamExt::chain(
        first,
        tokio_stream::wrappers::UnboundedReceiverStream::<EchoRequest>::new(receiver),
    );
    let mut running = within("the head", client.clone().bidi(messages)).await.unwrap().into_inner();
    assert_eq!(within("an echo", running.message()).await.unwrap().unwrap().payload, b"0");
    for n in 1..200 {
        within("a call", client.clone().unary(Request::new(message("a call")))).await.unwrap();
        let text = n.to_string();
        sender.send(message(&text)).unwrap();
        let echo = within("an echo", running.message()).await.unwrap().unwrap();
        assert_eq!(echo.payload, text.as_bytes());
    }
    drop(sender);
    assert!(within("the end", running.message()).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_notices_that_connections_run_out() {
    let pod = TonicServer::start("pod");
    let world = World::start_with(pod.address(), std::time::Duration::from_secs(20), |builder| {
        builder.last_stream_id(LAST_STREAM_ID)
    })
    .await;
    world.bad_is_lost("takes no more streams").await;
    world.bad_serves("pod", 60).await;
    // The healthy pods' connections run out as often, and may do so in one moment: calls then wait for the next.
    let failed = world.finish().await;
    assert!(failed.is_empty(), "{failed:?}");
}

//! Calls that their callers give up, by the thousand, on one connection.

use evenkeel::Channel;
use evenkeel_testkit::leaks::Resources;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Headers, RawConnection, RawServer, setting};
use tokio::task::JoinSet;
use tonic::Request;

use super::support::{Client, answer, message, ours, within};
use super::world::World;

const CALLS: usize = 5_000;
const QUOTA: usize = 10;

fn ten_streams() -> Automatic {
    Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, QUOTA as u32)])
}

async fn unary(client: Client) -> Result<(), tonic::Status> {
    let mut client = client;
    client.unary(Request::new(message("a call"))).await.map(drop)
}

/// As many calls as the server allows, and one more, which waits: no place was lost, none came to be.
async fn assert_whole_quota(client: &Client, connection: &RawConnection) {
    let calls: JoinSet<_> = (0..=QUOTA).map(|_| unary(client.clone())).collect();
    let mut streams = Vec::new();
    for _ in 0..QUOTA {
        streams.push(connection.expect_request().await.0);
    }
    let sent = requests(connection);
    connection.barrier().await;
    assert_eq!(requests(connection), sent, "the eleventh waits");
    for stream in streams {
        connection.respond(stream, &answer("raw")).await;
    }
    let (last, _) = connection.expect_request().await;
    connection.respond(last, &answer("raw")).await;
    for ended in within("their end", calls.join_all()).await {
        ended.unwrap();
    }
}

fn requests(connection: &RawConnection) -> usize {
    let request = |frame: &&evenkeel_testkit::raw::Frame| {
        frame.headers().is_some_and(|headers| headers.get(":path").is_some())
    };
    connection.received().iter().filter(request).count()
}

async fn one_call(server: &RawServer, client: &Client) -> RawConnection {
    let call = tokio::spawn(unary(client.clone()));
    let connection = server.accept().await;
    let (stream, _) = connection.expect_request().await;
    connection.respond(stream, &answer("raw")).await;
    within("the first call", call).await.unwrap().unwrap();
    connection
}

#[tokio::test]
async fn five_thousand_given_up_before_the_head_leave_the_whole_quota() {
    let server = RawServer::start(ten_streams()).await;
    let client = EchoClient::new(Channel::builder(server.target()).build().unwrap());
    let connection = one_call(&server, &client).await;
    let before = Resources::now().tasks;
    for _ in 0..CALLS / QUOTA {
        // Twice as many as there is room for: half of them are given up while they wait for a stream.
        let calls: JoinSet<_> = (0..2 * QUOTA).map(|_| unary(client.clone())).collect();
        let mut streams = Vec::new();
        for _ in 0..QUOTA {
            streams.push(connection.expect_request().await.0);
        }
        let mut calls = calls;
        calls.shutdown().await;
        for stream in streams {
            connection.expect_reset(stream).await;
        }
    }
    assert_eq!(Resources::now().tasks, before, "no task stays behind");
    assert_whole_quota(&client, &connection).await;
    assert!(server.accepted().await.is_none(), "it is the same connection");
}

#[tokio::test]
async fn five_thousand_given_up_after_the_head_leave_the_whole_quota() {
    let server = RawServer::start(ten_streams()).await;
    let client = EchoClient::new(Channel::builder(server.target()).build().unwrap());
    let connection = one_call(&server, &client).await;
    let before = Resources::now().tasks;
    for _ in 0..CALLS / QUOTA {
        let calls: JoinSet<_> = (0..QUOTA)
            .map(|_| {
                let mut client = client.clone();
                // Its request goes on for ever, too.
                let endless = tokio_stream::StreamExt::chain(
                    tokio_stream::once(message("one")),
                    tokio_stream::pending::<EchoRequest>(),
                );
                async move { client.bidi(endless).await }
            })
            .collect();
        let mut streams = Vec::new();
        for _ in 0..QUOTA {
            let (stream, _) = connection.expect_request().await;
            connection.headers(stream, Headers::response(), false).await;
            connection.message(stream, &answer("raw"), false).await;
            streams.push(stream);
        }
        let answers = within("the heads", calls.join_all()).await;
        drop(answers);
        for stream in &streams {
            connection.expect_reset(*stream).await;
        }
        // What the server had on its way: more than h2 takes in a connection's life.
        for _ in 0..5 {
            for stream in &streams {
                connection.message(*stream, &answer("late"), false).await;
            }
        }
    }
    connection.barrier().await;
    assert_eq!(Resources::now().tasks, before, "no task stays behind");
    assert_whole_quota(&client, &connection).await;
    assert!(server.accepted().await.is_none(), "it is the same connection");
}

/// Over both of our sides, beside steady calls: the server's own limits on resets must not end the connection either.
#[tokio::test]
async fn five_thousand_given_up_anywhere_disturb_nobody() {
    let address = ours("ours").await;
    let world = World::start(address).await;
    world.bad_serves("ours", 5).await;
    let client = EchoClient::new(Channel::builder(format!("ipv4:{address}")).build().unwrap());
    for round in 0..CALLS / 50 {
        let mut calls: JoinSet<_> = (0..50)
            .map(|_| {
                let mut client = client.clone();
                let slow = EchoRequest { delay_ms: 60_000, repeat: 1, ..EchoRequest::default() };
                async move { client.server_stream(Request::new(slow)).await.map(drop) }
            })
            .collect();
        // Where they stand when they are given up differs from round to round.
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        calls.shutdown().await;
    }
    unary(client).await.unwrap();
    world.bad_serves("ours", 5).await;
    world.end_without_failure().await;
}

//! round_robin over real servers: whose turn it is, and who is left out.

use std::net::SocketAddr;

use evenkeel::{Channel, Endpoint, Manual};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, RawServer, setting};
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::{Code, Request};

use super::support::{Client, answer, expect_unary, message, unary, within};

fn client_of(addresses: &[SocketAddr]) -> Client {
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    EchoClient::new(Channel::builder(format!("ipv4:{}", list.join(","))).build().unwrap())
}

async fn served_by(client: &Client) -> Result<String, tonic::Status> {
    let call = client.clone().unary(Request::new(message("who?"))).await;
    Ok(call?.into_inner().served_by)
}

/// Calls until the last few answers come from just `names`: the picker has taken note of what happened. Until then a
/// call may meet a connection that has just died, and is told so.
async fn settle(client: &Client, names: &[&str]) {
    let mut last: Vec<String> = Vec::new();
    within(&format!("answers from just {names:?}"), async {
        loop {
            match served_by(client).await {
                Ok(name) => last.push(name),
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                    last.clear();
                }
            }
            let recent = &last[last.len().saturating_sub(2 * names.len())..];
            let all = names.iter().all(|name| recent.iter().filter(|n| n == name).count() == 2);
            if all {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Nobody there has heard of it: it is not for the server that is let go to answer it, sooner or later.
#[tokio::test]
async fn a_call_that_waits_for_a_stream_on_a_server_that_left_goes_elsewhere() {
    let full = RawServer::start(Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)])).await;
    let manual = Manual::new();
    manual.set([Endpoint::from(full.address())]);
    let channel = Channel::builder("manual:///pods").resolver(manual.clone()).connect().await.unwrap();
    let client = EchoClient::new(channel);
    let connection = full.accept().await;
    let running = unary(&client, "runs");
    let (stream, _) = expect_unary(&connection).await;
    let waiting = unary(&client, "waits");
    connection.barrier().await;

    let other = RawServer::start(Automatic::default()).await;
    manual.set([Endpoint::from(other.address())]);
    let anew = other.accept().await;
    let (elsewhere, text) = expect_unary(&anew).await;
    assert_eq!(text, "waits");
    anew.respond(elsewhere, &answer("elsewhere")).await;
    assert_eq!(waiting.end().await.unwrap().payload, b"elsewhere");
    connection.respond(stream, &answer("finished")).await;
    assert_eq!(running.end().await.unwrap().payload, b"finished");
}

/// Thirty calls one after the other: each server's turn comes after exactly the same calls.
async fn assert_rotation(client: &Client, names: &[&str]) {
    let mut answers = Vec::new();
    for _ in 0..10 * names.len() {
        answers.push(within("a call", served_by(client)).await.unwrap());
    }
    let round = &answers[..names.len()];
    for name in names {
        assert_eq!(round.iter().filter(|n| n == name).count(), 1, "{answers:?}");
    }
    for later in answers.chunks(names.len()) {
        assert_eq!(later, round, "{answers:?}");
    }
}

/// Case 48 of gRPC-Go (`TestRoundRobin_Basic`): all READY backends have their turn.
#[tokio::test]
async fn test_round_robin_basic() {
    let servers = ["a", "b", "c"].map(TonicServer::start);
    let client = client_of(&servers.each_ref().map(TonicServer::address));
    settle(&client, &["a", "b", "c"]).await;
    assert_rotation(&client, &["a", "b", "c"]).await;
}

/// Case 49 (`TestRoundRobin_OneServerDown`): calls settle to a rotation over the backends that are left.
#[tokio::test]
async fn test_round_robin_one_server_down() {
    let [a, mut b, c] = ["a", "b", "c"].map(TonicServer::start);
    let client = client_of(&[a.address(), b.address(), c.address()]);
    settle(&client, &["a", "b", "c"]).await;

    b.kill();
    settle(&client, &["a", "c"]).await;
    assert_rotation(&client, &["a", "c"]).await;

    let back = TonicServer::start_on(b.address(), "b");
    settle(&client, &["a", "b", "c"]).await;
    assert_rotation(&client, &["a", "b", "c"]).await;
    assert!(back.service().calls() > 10);
}

#[tokio::test]
async fn servers_that_refuse_or_stay_silent_cost_no_call() {
    let [a, b] = ["a", "b"].map(TonicServer::start);
    let mut refusing = RawServer::start(Automatic::default()).await;
    refusing.stop_listening().await;
    let silent = RawServer::start(Automatic::silent()).await;
    let client = client_of(&[refusing.address(), a.address(), silent.address(), b.address()]);
    for _ in 0..50 {
        within("a call", served_by(&client)).await.unwrap();
    }
    settle(&client, &["a", "b"]).await;
    assert_rotation(&client, &["a", "b"]).await;
}

#[tokio::test]
async fn a_changed_list_is_followed_and_a_running_call_finishes_on_a_server_that_left() {
    let [a, b] = ["a", "b"].map(TonicServer::start);
    let leaving = RawServer::start(Automatic::default()).await;
    let manual = Manual::new();
    manual.set([Endpoint::from(leaving.address())]);
    let channel = Channel::builder("manual:///school").resolver(manual.clone()).build().unwrap();
    let client = EchoClient::new(channel);
    let running = unary(&client, "running");
    let connection = leaving.accept().await;
    let (stream, _) = expect_unary(&connection).await;

    manual.set([a.address(), b.address()].map(Endpoint::from));
    // Until the new servers are READY, calls still go to the one that leaves.
    let serve_until_then = async {
        loop {
            let (stream, _) = connection.expect_request().await;
            connection.respond(stream, &answer("")).await;
        }
    };
    tokio::select! {
        () = settle(&client, &["a", "b"]) => {}
        () = serve_until_then => {}
    }
    assert_rotation(&client, &["a", "b"]).await;
    connection.respond(stream, &answer("finished")).await;
    assert_eq!(running.end().await.unwrap().payload, b"finished");
    connection.expect_closed().await;
}

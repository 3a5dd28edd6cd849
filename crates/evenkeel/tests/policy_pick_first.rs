//! `pick_first` over real sockets: one connection, and the next only when a call wants it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::future::Future;
use std::time::Duration;

use evenkeel::balance::PickFirstConfig;
use evenkeel::{
    Backoff, BuildError, CallOptions, Channel, ChannelBuilder, ConnectivityState, Endpoint, Manual,
};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawConnection, RawServer, code};
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::{Code, Request, Status};

fn servers(count: usize) -> Vec<TonicServer> {
    (1..=count).map(|number| TonicServer::start(&number.to_string())).collect()
}

fn builder(servers: &[TonicServer]) -> ChannelBuilder {
    let addresses: Vec<String> = servers.iter().map(|server| server.address().to_string()).collect();
    Channel::builder(format!("ipv4:{}", addresses.join(","))).policy(PickFirstConfig::new())
}

/// Generous: a loaded machine must not fail a test.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}"),
    }
}

async fn served_by(channel: &Channel) -> Result<String, Status> {
    let call = async { EchoClient::new(channel.clone()).unary(Request::new(EchoRequest::default())).await };
    Ok(within("an answer", call).await?.into_inner().served_by)
}

/// Waits until the channel has noticed that its connection is gone.
async fn idle(channel: &Channel) {
    let next = within("a change of state", channel.wait_for_change(ConnectivityState::Ready)).await;
    assert_eq!(next, ConnectivityState::Idle);
}

async fn answer_one(connection: &RawConnection) {
    let (stream, _) = connection.expect_request().await;
    connection.respond(stream, &evenkeel_testkit::proto::EchoResponse::default()).await;
}

#[tokio::test]
async fn all_calls_go_to_the_first_server_and_to_the_next_when_it_dies() {
    let mut servers = servers(3);
    let channel = builder(&servers).build().unwrap();
    for _ in 0..20 {
        assert_eq!(served_by(&channel).await.unwrap(), "1");
    }
    servers[0].kill();
    idle(&channel).await;
    for _ in 0..20 {
        assert_eq!(served_by(&channel).await.unwrap(), "2");
    }
    servers[0] = TonicServer::start_on(servers[0].address(), "1 again");
    assert_eq!(served_by(&channel).await.unwrap(), "2", "a running connection is kept");
    servers[1].kill();
    idle(&channel).await;
    within("READY", channel.ready()).await.unwrap();
    assert_eq!(served_by(&channel).await.unwrap(), "1 again", "from the first one on");
    assert_eq!(servers[2].service().calls(), 0);
}

#[tokio::test]
async fn goaway_without_calls_leads_to_idle_and_no_connection_until_a_call() {
    let server = RawServer::start(Automatic::default()).await;
    let channel = Channel::builder(server.target()).policy("pick_first").build().unwrap();
    let call = tokio::spawn({
        let channel = channel.clone();
        async move { served_by(&channel).await }
    });
    let first = server.accept().await;
    answer_one(&first).await;
    call.await.unwrap().unwrap();
    first.go_away((1 << 31) - 1, code::NO_ERROR, "max_age").await;
    idle(&channel).await;
    first.expect_closed().await;
    let redial = channel.wait_for_change(ConnectivityState::Idle);
    assert!(tokio::time::timeout(Duration::from_millis(200), redial).await.is_err(), "nobody called");
    assert!(server.accepted().await.is_none());

    let call = tokio::spawn({
        let channel = channel.clone();
        async move { served_by(&channel).await }
    });
    let second = server.accept().await;
    answer_one(&second).await;
    call.await.unwrap().unwrap();
    assert_eq!(second.number(), 2);
}

#[tokio::test]
async fn a_hundred_calls_that_find_the_channel_idle_share_one_connection() {
    let mut servers = servers(1);
    let channel = builder(&servers).build().unwrap();
    assert_eq!(served_by(&channel).await.unwrap(), "1");
    servers[0].kill();
    idle(&channel).await;
    servers[0] = TonicServer::start_on(servers[0].address(), "again");
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { served_by(&channel).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "again");
    }
    assert_eq!(servers[0].service().calls(), 100);
}

#[tokio::test]
async fn without_any_server_calls_fail_at_once_with_the_last_error_unless_they_wait() {
    let mut servers = servers(2);
    let backoff = Backoff::new().initial(Duration::from_millis(50));
    let channel = builder(&servers).backoff(backoff).build().unwrap();
    servers.iter_mut().for_each(TonicServer::kill);
    for _ in 0..3 {
        let status = served_by(&channel).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let last = servers[1].address().to_string();
        let first = servers[0].address().to_string();
        assert!(status.message().contains(&last) || status.message().contains(&first), "{status:?}");
        assert_eq!(channel.state(), ConnectivityState::TransientFailure);
    }
    let mut request = Request::new(EchoRequest::default());
    request.extensions_mut().insert(CallOptions::new().wait_for_ready(true));
    let mut client = EchoClient::new(channel.clone());
    let patient = tokio::spawn(async move { client.unary(request).await });
    servers[1] = TonicServer::start_on(servers[1].address(), "back");
    let answer = within("an answer", patient).await.unwrap().unwrap();
    assert_eq!(answer.into_inner().served_by, "back");
}

#[tokio::test]
async fn a_list_without_the_connected_address_moves_calls_and_cuts_none() {
    let servers = servers(2);
    let manual = Manual::new();
    manual.set([Endpoint::from(servers[0].address())]);
    let builder = Channel::builder("manual:///pods").resolver(manual.clone());
    let channel = builder.policy(PickFirstConfig::new()).build().unwrap();
    assert_eq!(served_by(&channel).await.unwrap(), "1");
    let slow = EchoRequest { delay_ms: 300, ..EchoRequest::default() };
    let mut client = EchoClient::new(channel.clone());
    let running = tokio::spawn(async move { client.unary(Request::new(slow)).await });
    within("the call's beginning", async {
        while servers[0].service().calls() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    manual.set([Endpoint::from(servers[1].address())]);
    idle(&channel).await;
    assert_eq!(served_by(&channel).await.unwrap(), "2");
    let answer = within("an answer", running).await.unwrap().unwrap();
    assert_eq!(answer.into_inner().served_by, "1", "what ran there ends there");
}

#[tokio::test]
async fn shuffling_spreads_channels_over_the_servers() {
    let servers = servers(2);
    let config = PickFirstConfig::new().shuffle_address_list(true);
    let mut counts = [0; 2];
    // All forty at the same server: once in 2^39 runs.
    for _ in 0..40 {
        let channel = builder(&servers).policy(config.clone()).build().unwrap();
        counts[usize::from(served_by(&channel).await.unwrap() == "2")] += 1;
    }
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
}

#[test]
fn an_unknown_policy_is_named() {
    let error = Channel::builder("ipv4:127.0.0.1:1").policy("no_such").build().unwrap_err();
    assert!(matches!(error, BuildError::Policy(_)), "{error:?}");
    assert_eq!(error.to_string(), "no load-balancing policy is called `no_such`");
}

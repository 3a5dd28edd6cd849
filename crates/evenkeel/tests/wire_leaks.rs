//! Nothing survives a channel. Alone in its binary: descriptors are counted over the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use evenkeel::{Channel, ConnectivityState};
use evenkeel_testkit::leaks::Resources;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawConnection, RawServer};
use tokio::task::JoinHandle;
use tonic::{Code, Response, Status};

type Call = JoinHandle<Result<Response<EchoResponse>, Status>>;

fn call(channel: &Channel) -> Call {
    let mut client = EchoClient::new(channel.clone());
    tokio::spawn(async move { client.unary(EchoRequest::default()).await })
}

async fn status(call: Call) -> Status {
    tokio::time::timeout(DEADLINE, call).await.expect("the call ends").unwrap().expect_err("the call fails")
}

/// A channel that has a connection, one that waits for SETTINGS, and an endpoint that refuses.
struct Busy {
    channel: Channel,
    ready: RawConnection,
    silent: RawConnection,
}

async fn busy_channel(servers: &[RawServer; 3]) -> Busy {
    let list: Vec<String> = servers.iter().map(|server| server.address().to_string()).collect();
    let channel = Channel::builder(format!("ipv4:{}", list.join(","))).build().unwrap();
    let first = call(&channel);
    let ready = servers[0].accept().await;
    let (stream, _) = ready.expect_request().await;
    ready.respond(stream, &EchoResponse::default()).await;
    first.await.unwrap().unwrap();
    Busy { channel, ready, silent: servers[1].accept().await }
}

impl Busy {
    /// A call that is on the wire and stays unanswered.
    async fn running(&self) -> Call {
        let call = call(&self.channel);
        self.ready.expect_request().await;
        call
    }
}

#[tokio::test]
async fn after_the_last_clone_and_after_close_nothing_is_left() {
    let mut servers = [
        RawServer::start(Automatic::default()).await,
        RawServer::start(Automatic::silent()).await,
        RawServer::start(Automatic::default()).await,
    ];
    servers[2].stop_listening().await;
    let before = Resources::now();

    // Built, never used.
    drop(Channel::builder(servers[0].target()).build().unwrap());
    assert_eq!(Resources::now(), before);

    let busy = busy_channel(&servers).await;
    let running = busy.running().await;
    let Busy { channel, ready, silent } = busy;
    let clone = channel.clone();
    drop(channel);
    running.abort();
    assert_eq!(clone.state(), ConnectivityState::Ready);
    drop(clone);
    ready.expect_closed().await;
    silent.expect_closed().await;
    drop((ready, silent));
    before.wait_until_back().await;

    let busy = busy_channel(&servers).await;
    let running = busy.running().await;
    let Busy { channel, ready, silent } = busy;
    channel.close().await;
    assert_eq!(channel.state(), ConnectivityState::Shutdown);
    for call in [running, call(&channel)] {
        let status = status(call).await;
        assert!(matches!(status.code(), Code::Cancelled | Code::Unavailable), "{status:?}");
    }
    ready.expect_closed().await;
    silent.expect_closed().await;
    drop((ready, silent));
    // The channel itself is still there, but holds nothing.
    before.wait_until_back().await;
}

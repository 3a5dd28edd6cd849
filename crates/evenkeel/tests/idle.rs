//! The channel's idle timeout, and what a channel is before it starts and after it is closed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what must hold in the shortest way")]

use std::time::Duration;

use evenkeel::{Channel, ConnectivityState};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::Request;

const PATIENCE: Duration = Duration::from_secs(30);

async fn call(channel: &Channel) {
    let mut request = Request::new(EchoRequest::default());
    request.set_timeout(PATIENCE);
    EchoClient::new(channel.clone()).unary(request).await.unwrap();
}

async fn until(channel: &Channel, wanted: ConnectivityState) {
    let wait = async {
        let mut state = channel.state();
        while state != wanted {
            state = channel.wait_for_change(state).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {wanted}"));
}

#[tokio::test]
async fn a_channel_without_calls_goes_idle_and_the_next_call_wakes_it_time_and_again() {
    let server = TonicServer::start("a");
    let idle_timeout = Some(Duration::from_millis(80));
    let channel = Channel::builder(server.target()).idle_timeout(idle_timeout).build().unwrap();
    assert_eq!(channel.state(), ConnectivityState::Idle, "nothing happens before the first call");
    for _ in 0..3 {
        call(&channel).await;
        until(&channel, ConnectivityState::Idle).await;
    }
}

#[tokio::test]
async fn a_running_call_keeps_the_channel_awake() {
    let server = TonicServer::start("a");
    let idle_timeout = Some(Duration::from_millis(40));
    let channel = Channel::builder(server.target()).idle_timeout(idle_timeout).build().unwrap();
    let running = {
        let mut client = EchoClient::new(channel.clone());
        let request = EchoRequest { delay_ms: 400, ..EchoRequest::default() };
        tokio::spawn(async move { client.unary(request).await })
    };
    until(&channel, ConnectivityState::Ready).await;
    tokio::select! {
        biased;
        answered = running => drop(answered.unwrap().unwrap()),
        state = channel.wait_for_change(ConnectivityState::Ready) => panic!("{state} under a call"),
    }
    until(&channel, ConnectivityState::Idle).await;
}

#[test]
fn a_channel_can_be_built_without_a_runtime_but_not_started() {
    let channel = Channel::builder("ipv4:127.0.0.1:1").build().unwrap();
    assert_eq!(channel.connect(), Err(evenkeel::ConnectError::NoRuntime));
}

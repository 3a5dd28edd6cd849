//! `round_robin` over endpoints with several addresses: one connection each, by happy eyeballs (gRFC A61).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use evenkeel::{Address, Channel, Endpoint, Manual};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawServer};
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::net::TcpSocket;
use tonic::Request;

async fn served_by(channel: &Channel) -> String {
    let mut client = EchoClient::new(channel.clone());
    let call = client.unary(Request::new(EchoRequest::default()));
    let answer = tokio::time::timeout(DEADLINE, call).await.expect("an answer in time");
    answer.unwrap().into_inner().served_by
}

fn endpoint(addresses: &[SocketAddr]) -> Endpoint {
    Endpoint::new(addresses.iter().copied().map(Address::Ip))
}

/// A socket that has an address and does not listen: connections to it are refused as long as it is there.
fn refusing() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    socket
}

#[tokio::test]
async fn a_silent_first_address_costs_the_attempt_delay_and_its_connection_is_given_up() {
    let silent = RawServer::start(Automatic::silent()).await;
    let good = TonicServer::start("good");
    let manual = Manual::new();
    manual.set([endpoint(&[silent.address(), good.address()])]);
    let channel = Channel::builder("manual:").resolver(manual).build().unwrap();
    // The attempt at the silent one would last 20 s.
    let name = tokio::time::timeout(Duration::from_secs(15), served_by(&channel)).await.expect("soon");
    assert_eq!(name, "good");
    silent.accept().await.expect_closed().await;
}

#[tokio::test]
async fn endpoints_with_several_addresses_get_one_share_and_one_connection_each() {
    let (one, two) = (TonicServer::start("1"), TonicServer::start("2"));
    let refusing = refusing();
    let spare = RawServer::start(Automatic::default()).await;
    let manual = Manual::new();
    manual.set([
        endpoint(&[refusing.local_addr().unwrap(), one.address()]),
        endpoint(&[two.address(), spare.address()]),
    ]);
    let channel = Channel::builder("manual:").resolver(manual).build().unwrap();
    let mut seen = BTreeMap::new();
    let both = async {
        while seen.len() < 2 {
            *seen.entry(served_by(&channel).await).or_insert(0) += 1;
        }
    };
    tokio::time::timeout(DEADLINE, both).await.expect("both");
    let mut shares = BTreeMap::new();
    for _ in 0..20 {
        *shares.entry(served_by(&channel).await).or_insert(0) += 1;
    }
    assert_eq!(shares, BTreeMap::from([("1".to_owned(), 10), ("2".to_owned(), 10)]));
    assert!(spare.accepted().await.is_none(), "two's first address answered");
}

#[tokio::test]
async fn localhost_is_found_where_it_listens() {
    let any_port = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    if TcpListener::bind(any_port).is_err() {
        // A machine without IPv6 has nothing to choose from.
        return;
    }
    let server = TonicServer::start_on(any_port, "six");
    let target = format!("dns:///localhost:{}", server.address().port());
    let channel = Channel::builder(target).build().unwrap();
    assert_eq!(served_by(&channel).await, "six");
    assert_eq!(server.service().calls(), 1);
}

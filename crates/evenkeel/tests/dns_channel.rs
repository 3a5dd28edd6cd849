//! A channel by a DNS name: real servers on 127.0.0.x, a scripted DNS server in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel::event::ResolutionFailed;
use evenkeel::{
    CallOptions, CauseKind, Channel, ChannelBuilder, ConnectError, ConnectivityState, Event, Observer,
    Server, ServerHandle,
};
use evenkeel_testkit::dns::{DnsServer, Reply};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::mpsc;
use tonic::{Code, Request, Status};

const NAME: &str = "pods.test";

/// Pods of one Service: one port, addresses 127.0.0.1 and up, named by their last number.
struct Service {
    dns: DnsServer,
    port: u16,
    pods: Vec<TonicServer>,
}

impl Service {
    async fn new(count: u8) -> Self {
        let first = TonicServer::start("1");
        let port = first.address().port();
        let mut service = Self { dns: DnsServer::start().await.unwrap(), port, pods: vec![first] };
        for number in 2..=count {
            service.add(number);
        }
        service
    }

    fn add(&mut self, number: u8) {
        let address = SocketAddr::new(ip(number), self.port);
        self.pods.push(TonicServer::start_on(address, &number.to_string()));
    }

    /// What the name resolves to from now on.
    fn publish(&self, ttl: u32, numbers: &[u8]) {
        self.dns.set_addresses(NAME, ttl, numbers.iter().copied().map(ip));
    }

    fn builder(&self) -> ChannelBuilder {
        Channel::builder(format!("dns://{}/{NAME}:{}", self.dns.address(), self.port))
    }

    async fn connect(&self) -> EchoClient<Channel> {
        EchoClient::new(self.builder().connect().await.unwrap())
    }
}

/// Passes on whether a failed resolution said that the name is absent.
#[derive(Debug)]
struct Failures(mpsc::UnboundedSender<bool>);

impl Observer for Failures {
    fn on_event(&self, event: &Event) {
        if let Event::ResolutionFailed(ResolutionFailed { absent, .. }) = event {
            let _ = self.0.send(*absent);
        }
    }
}

fn ip(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

/// Generous: a loaded machine must not fail a test.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("in time")
}

async fn served_by(client: &EchoClient<Channel>) -> Result<String, Status> {
    let request = EchoRequest::default();
    Ok(client.clone().unary(Request::new(request)).await?.into_inner().served_by)
}

async fn patiently_served_by(client: &EchoClient<Channel>) -> String {
    let mut request = Request::new(EchoRequest::default());
    request.extensions_mut().insert(CallOptions::new().wait_for_ready(true));
    client.clone().unary(request).await.unwrap().into_inner().served_by
}

/// Calls until each of `names` has answered; no call may fail.
async fn call_until(client: &EchoClient<Channel>, names: &[&str]) {
    let mut missing: BTreeSet<&str> = names.iter().copied().collect();
    within(async {
        while !missing.is_empty() {
            missing.remove(&*served_by(client).await.unwrap());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_pod_gets_calls_though_nothing_disconnects() {
    let mut service = Service::new(2).await;
    service.publish(1, &[1, 2]);
    let client = service.connect().await;
    call_until(&client, &["1", "2"]).await;
    service.add(3);
    service.publish(1, &[1, 2, 3]);
    call_until(&client, &["1", "2", "3"]).await;
}

#[tokio::test]
async fn trouble_of_the_dns_server_costs_no_call() {
    let service = Service::new(2).await;
    service.publish(1, &[1, 2]);
    let (sender, mut failures) = mpsc::unbounded_channel();
    let channel = service.builder().observer(Arc::new(Failures(sender))).connect().await.unwrap();
    let client = EchoClient::new(channel);
    call_until(&client, &["1", "2"]).await;
    for (trouble, is_absent) in [(Reply::servfail(), false), (Reply::nxdomain(), true)] {
        service.dns.set_both(NAME, trouble);
        while within(failures.recv()).await.unwrap() != is_absent {}
        call_until(&client, &["1", "2"]).await;
    }
}

#[tokio::test]
async fn a_lost_pod_makes_a_lookup_long_before_the_ttl_ends() {
    let mut service = Service::new(1).await;
    service.publish(300, &[1]);
    let channel = service.builder().connect().await.unwrap();
    service.add(2);
    service.publish(300, &[2]);
    service.pods[0].kill();
    within(channel.wait_for_change(ConnectivityState::Ready)).await;
    // The interval is 30 s at least.
    let client = EchoClient::new(channel);
    let call = tokio::time::timeout(Duration::from_secs(20), patiently_served_by(&client));
    assert_eq!(call.await.expect("a lookup"), "2");
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_calls_and_recovers_by_itself() {
    let service = Service::new(1).await;
    let channel = service.builder().build().unwrap();
    let client = EchoClient::new(channel.clone());
    let status = within(served_by(&client)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains(NAME), "{status:?}");
    let Err(ConnectError::Unavailable { cause }) = within(channel.ready()).await else { panic!() };
    assert_eq!(cause.kind(), CauseKind::Resolver, "{cause}");
    service.publish(1, &[1]);
    assert_eq!(within(patiently_served_by(&client)).await, "1");
}

/// A pod whose end is in order: it drains.
async fn serve(address: SocketAddr) -> ServerHandle {
    let service = EchoService::new(&address.ip().to_string()).into_server();
    let server = Server::builder().add_service(service).bind(address).await.unwrap();
    let handle = server.handle();
    tokio::spawn(server.serve());
    handle
}

/// Steady calls that fail fast, with a deadline, while all pods are replaced at once and DNS is late; how many were made,
/// and which failed.
async fn replace_all_pods(late: Duration, is_absent_first: bool, network: u8) -> (usize, Vec<Status>) {
    const OLD: [u8; 3] = [1, 2, 3];
    const NEW: [u8; 3] = [4, 5, 6];
    let ip = |number: u8| IpAddr::from(Ipv4Addr::new(127, 0, network, number));
    let first = TonicServer::start_on(SocketAddr::new(ip(9), 0), "for its port");
    let port = first.address().port();
    let dns = DnsServer::start().await.unwrap();
    let mut old = Vec::new();
    for number in OLD {
        old.push(serve(SocketAddr::new(ip(number), port)).await);
    }
    dns.set_addresses(NAME, 1, OLD.map(ip));
    let target = format!("dns://{}/{NAME}:{port}", dns.address());
    let client = EchoClient::new(Channel::builder(target).connect().await.unwrap());
    let calls = tokio::spawn(steady_calls(client, late + Duration::from_secs(1)));
    for pod in &old {
        pod.drain(Duration::from_secs(5));
    }
    if is_absent_first {
        dns.set_both(NAME, Reply::nxdomain());
    }
    // That DNS is so late is what is tested.
    tokio::time::sleep(late).await;
    let mut new = Vec::new();
    for number in NEW {
        new.push(serve(SocketAddr::new(ip(number), port)).await);
    }
    dns.set_addresses(NAME, 1, NEW.map(ip));
    within(calls).await.unwrap()
}

async fn steady_calls(client: EchoClient<Channel>, time: Duration) -> (usize, Vec<Status>) {
    let mut calls = tokio::task::JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let end = tokio::time::Instant::now() + time;
    while pace.tick().await < end {
        let mut client = client.clone();
        let mut request = Request::new(EchoRequest::default());
        request.set_timeout(Duration::from_secs(20));
        calls.spawn(async move { client.unary(request).await });
    }
    let made = calls.len();
    let ended = within(calls.join_all()).await;
    (made, ended.into_iter().filter_map(Result::err).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_when_all_pods_go_at_once_and_dns_is_late() {
    let cases = [(0, false), (300, false), (2_000, false), (0, true), (300, true), (2_000, true)];
    let mut worlds = tokio::task::JoinSet::new();
    for (network, (late, is_absent_first)) in (1..).zip(cases) {
        worlds.spawn(replace_all_pods(Duration::from_millis(late), is_absent_first, network));
    }
    for (made, failed) in worlds.join_all().await {
        assert!(made >= 50, "{made}");
        assert!(failed.is_empty(), "{} of {made} calls: {:?}", failed.len(), failed.first());
    }
}

/// gRPC's way, if that is what the program wants: it shows that the test above can fail.
#[tokio::test]
async fn without_a_grace_calls_fail_as_soon_as_all_endpoints_have() {
    let mut service = Service::new(1).await;
    service.publish(300, &[1]);
    let channel = service.builder().grace_after_loss(Duration::ZERO).connect().await.unwrap();
    let client = EchoClient::new(channel);
    call_until(&client, &["1"]).await;
    service.pods[0].kill();
    let lost = within(async {
        loop {
            if let Err(status) = served_by(&client).await {
                break status;
            }
        }
    });
    assert_eq!(lost.await.code(), Code::Unavailable);
    let status = within(served_by(&client)).await.unwrap_err();
    assert!(status.message().contains("no endpoint is READY"), "{status:?}");
}

//! What observers hear: of connections, enough for gRFC A94's metrics; of calls, each attempt and each end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::{
    AttemptStart, CallEnd, CallStart, CallTracer, CauseKind, Channel, ConnectivityState, Event, Manual,
    Observer,
};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawConnection, RawServer, code};
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::watch;
use tonic::Request;

/// The metrics of gRFC A94, for one channel.
#[derive(Debug)]
struct Metrics(watch::Sender<Counts>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    attempts_succeeded: usize,
    attempts_failed: usize,
    /// By `grpc.disconnect_error`.
    disconnections: BTreeMap<String, usize>,
    open_connections: usize,
    /// Those that have not come to their end, draining ones included.
    alive: usize,
    subchannels: usize,
}

fn disconnect_error(kind: CauseKind) -> String {
    match kind {
        CauseKind::GoAway(code::NO_ERROR) => "GOAWAY NO_ERROR".into(),
        CauseKind::GoAway(other) => format!("GOAWAY {other:#x}"),
        CauseKind::Shutdown => "subchannel shutdown".into(),
        CauseKind::Reset => "connection reset".into(),
        CauseKind::TimedOut => "connection timed out".into(),
        CauseKind::Aborted => "connection aborted".into(),
        CauseKind::Socket => "socket error".into(),
        _ => "unknown".into(),
    }
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event) {
        self.0.send_modify(|counts| counts.on_event(event));
    }
}

impl Counts {
    fn on_event(&mut self, event: &Event) {
        use ConnectivityState::{Connecting, Idle, Shutdown, TransientFailure};
        match event {
            Event::SubchannelState(change) => match (change.from, change.to) {
                (Connecting, TransientFailure) => self.attempts_failed += 1,
                (Idle, Connecting) => self.subchannels += 1,
                (_, Shutdown | Idle) => self.subchannels -= 1,
                _ => {}
            },
            Event::Connected(_) => {
                self.attempts_succeeded += 1;
                self.open_connections += 1;
                self.alive += 1;
            }
            Event::Disconnected(disconnected) => {
                self.open_connections -= 1;
                *self.disconnections.entry(disconnect_error(disconnected.cause.kind())).or_default() += 1;
            }
            Event::ConnectionClosed(_) => self.alive -= 1,
            _ => {}
        }
    }
}

struct World {
    servers: [RawServer; 2],
    connections: Vec<RawConnection>,
    list: Manual,
    channel: Channel,
    metrics: Arc<Metrics>,
}

impl World {
    /// A channel that is connected to two servers.
    async fn new() -> Self {
        let servers =
            [RawServer::start(Automatic::default()).await, RawServer::start(Automatic::default()).await];
        let list = Manual::new();
        list.set(servers.iter().map(|server| server.address().into()));
        let metrics = Arc::new(Metrics(watch::Sender::new(Counts::default())));
        let builder = Channel::builder("manual:///x").resolver(list.clone()).observer(metrics.clone());
        let channel = builder.connect().await.unwrap();
        let mut connections = Vec::new();
        for server in &servers {
            connections.push(server.accept().await);
        }
        let world = Self { servers, connections, list, channel, metrics };
        world.until("two connections", |counts| counts.open_connections == 2).await;
        world
    }

    async fn until(&self, what: &str, wanted: impl FnMut(&Counts) -> bool) -> Counts {
        until(&self.metrics, what, wanted).await
    }
}

async fn until(metrics: &Metrics, what: &str, wanted: impl FnMut(&Counts) -> bool) -> Counts {
    let mut counts = metrics.0.subscribe();
    match tokio::time::timeout(DEADLINE, counts.wait_for(wanted)).await {
        Ok(counts) => counts.unwrap().clone(),
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}: {:?}", metrics.0.borrow()),
    }
}

#[tokio::test]
async fn subchannel_metrics_are_right_across_goaway_loss_and_close() {
    let world = World::new().await;
    let mut client = EchoClient::new(world.channel.clone());
    let call = tokio::spawn(async move { client.unary(Request::new(EchoRequest::default())).await });
    let (on, stream) = tokio::select! {
        (stream, _) = world.connections[0].expect_request() => (0, stream),
        (stream, _) = world.connections[1].expect_request() => (1, stream),
    };
    let (old, other) = (&world.connections[on], &world.connections[1 - on]);
    old.go_away(stream, code::NO_ERROR, "max_age").await;
    let newer = world.servers[on].accept().await;
    let drains = world.until("one that drains", |counts| counts.attempts_succeeded == 3).await;
    assert_eq!((drains.open_connections, drains.alive), (2, 3));
    assert_eq!(drains.disconnections, BTreeMap::from([("GOAWAY NO_ERROR".into(), 1)]));

    old.trailers(stream, 0).await;
    assert!(call.await.unwrap().is_err(), "trailers without a message");
    world.until("the end of the one that drained", |counts| counts.alive == 2).await;

    other.half_close().await;
    let lost = world.until("a loss", |counts| counts.disconnections.contains_key("connection reset")).await;
    assert_eq!(lost.disconnections["connection reset"], 1);
    let again = world.servers[1 - on].accept().await;
    world.until("a new connection", |counts| counts.attempts_succeeded == 4).await;

    world.channel.close().await;
    let end = world.until("nothing left", |counts| counts.alive == 0).await;
    assert_eq!((end.open_connections, end.subchannels, end.attempts_failed), (0, 0, 0));
    assert_eq!(end.disconnections["subchannel shutdown"], 2);
    assert_eq!(end.disconnections.values().sum::<usize>(), end.attempts_succeeded);
    drop((newer, again));
}

#[tokio::test]
async fn subchannel_metrics_are_right_when_the_list_changes_and_the_channel_is_dropped() {
    let World { servers, connections: _connections, list, channel, metrics } = World::new().await;
    list.set([servers[0].address().into()]);
    let one = until(&metrics, "one left", |counts| counts.alive == 1).await;
    assert_eq!((one.open_connections, one.subchannels), (1, 1));
    drop(channel);
    let none = until(&metrics, "none left", |counts| counts.alive == 0).await;
    assert_eq!((none.open_connections, none.subchannels), (0, 0));
    assert_eq!(none.disconnections, BTreeMap::from([("subchannel shutdown".into(), 2)]));
}

#[tokio::test]
async fn subchannel_metrics_are_right_across_idle() {
    let server = RawServer::start(Automatic::default()).await;
    let metrics = Arc::new(Metrics(watch::Sender::new(Counts::default())));
    let builder = Channel::builder(server.target()).observer(metrics.clone());
    let channel = builder.idle_timeout(Some(Duration::from_millis(100))).connect().await.unwrap();
    for life in 1..=2 {
        let wanted = |counts: &Counts| counts.attempts_succeeded == life && counts.alive == 0;
        let idle = until(&metrics, "idle", wanted).await;
        assert_eq!((idle.open_connections, idle.subchannels), (0, 0));
        assert_eq!(idle.disconnections, BTreeMap::from([("subchannel shutdown".into(), life)]));
        channel.connect().unwrap();
    }
}

/// What was told of each call.
#[derive(Debug, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

#[derive(Debug)]
struct Call(Arc<Mutex<Vec<String>>>);

impl Observer for Calls {
    fn on_event(&self, _: &Event) {}

    fn follows_calls(&self) -> bool {
        true
    }

    fn on_call(&self, call: &CallStart<'_>) -> Option<Box<dyn CallTracer>> {
        self.0.lock().unwrap().push(format!("begins {}", call.path));
        Some(Box::new(Call(Arc::clone(&self.0))))
    }
}

impl CallTracer for Call {
    fn on_attempt(&self, attempt: &AttemptStart<'_>) {
        self.0.lock().unwrap().push(format!("attempt {}", attempt.attempt));
    }

    fn on_attempt_end(&self, end: &CallEnd) {
        self.0.lock().unwrap().push(format!("attempt ends {:?}", end.code));
    }

    fn on_end(&self, end: &CallEnd) {
        self.0.lock().unwrap().push(format!("ends {:?}", end.code));
    }
}

const BEGINS: &str = "begins /evenkeel.test.v1.Echo/Unary";

fn traced(target: String) -> (EchoClient<Channel>, Arc<Mutex<Vec<String>>>) {
    let calls = Calls::default();
    let told = Arc::clone(&calls.0);
    let channel = Channel::builder(target).observer(Arc::new(calls)).build().unwrap();
    (EchoClient::new(channel), told)
}

#[tokio::test]
async fn a_call_is_followed_from_its_beginning_to_whichever_end() {
    let server = TonicServer::start("1");
    let (mut client, told) = traced(server.target());
    client.unary(Request::new(EchoRequest::default())).await.unwrap();
    let refused = EchoRequest { fail_code: 5, ..EchoRequest::default() };
    client.unary(Request::new(refused)).await.unwrap_err();
    let slow = EchoRequest { delay_ms: 600_000, ..EchoRequest::default() };
    let mut request = Request::new(slow.clone());
    request.set_timeout(Duration::from_millis(20));
    client.unary(request).await.unwrap_err();
    assert!(tokio::time::timeout(Duration::from_millis(1), client.unary(Request::new(slow))).await.is_err());
    for (told, code) in
        told.lock().unwrap().chunks(4).zip(["Ok", "NotFound", "DeadlineExceeded", "Cancelled"])
    {
        let ends = (format!("attempt ends {code}"), format!("ends {code}"));
        assert_eq!(told, [BEGINS, "attempt 0", &ends.0, &ends.1]);
    }
    assert_eq!(told.lock().unwrap().len(), 16);
}

#[tokio::test]
async fn an_attempt_that_was_left_behind_is_told_and_the_next_one_too() {
    let server = RawServer::start(Automatic::default()).await;
    let (mut client, told) = traced(server.target());
    let call = tokio::spawn(async move { client.unary(Request::new(EchoRequest::default())).await });
    let first = server.accept().await;
    first.expect_request().await;
    first.go_away(0, code::NO_ERROR, "max_age").await;
    let second = server.accept().await;
    let (stream, _) = second.expect_request().await;
    second.respond(stream, &evenkeel_testkit::proto::EchoResponse::default()).await;
    call.await.unwrap().unwrap();
    let expected =
        [BEGINS, "attempt 0", "attempt ends Unavailable", "attempt 1", "attempt ends Ok", "ends Ok"];
    assert_eq!(*told.lock().unwrap(), expected);
}

//! What a server tells of itself, held against what its clients did.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::{AcceptedConnection, CloseReason, ClosedConnection, ConnectionKey, ShutdownStep};
use evenkeel::{DrainReason, DrainReport, ServerBuilder, ServerEvent, ServerObserver};
use evenkeel_testkit::raw::{Headers, RawClient};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::support::{NEVER, Running, UNARY, eventually, serve, slow, within};

/// Keeps a server's events.
#[derive(Debug, Default)]
struct Events {
    seen: Mutex<Vec<ServerEvent>>,
    count: watch::Sender<usize>,
}

impl ServerObserver for Events {
    fn on_event(&self, event: &ServerEvent) {
        self.seen.lock().unwrap().push(event.clone());
        self.count.send_modify(|count| *count += 1);
    }
}

impl Events {
    async fn expect<T>(&self, what: &str, pick: impl Fn(&ServerEvent) -> Option<T>) -> T {
        let mut count = self.count.subscribe();
        within(what, async {
            loop {
                count.borrow_and_update();
                if let Some(found) = self.seen.lock().unwrap().iter().find_map(&pick) {
                    return found;
                }
                count.changed().await.unwrap();
            }
        })
        .await
    }

    /// The first connection's end.
    async fn closed(&self) -> ClosedConnection {
        self.expect("the end of a connection", |event| match event {
            ServerEvent::Closed(closed) => Some(closed.clone()),
            _ => None,
        })
        .await
    }

    /// The names of the events of one connection, in order.
    fn of(&self, connection: ConnectionKey) -> Vec<&'static str> {
        let seen = self.seen.lock().unwrap();
        let named = seen.iter().filter_map(|event| match event {
            ServerEvent::Accepted(it) => Some((it.connection, "accepted")),
            ServerEvent::Opened(it) => Some((it.connection, "opened")),
            ServerEvent::GoAwaySent(it) => Some((it.connection.connection, "told to go")),
            ServerEvent::Closed(it) => Some((it.connection.connection, "closed")),
            _ => None,
        });
        named.filter(|(key, _)| *key == connection).map(|(_, name)| name).collect()
    }
}

async fn observed(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> (Running, Arc<Events>) {
    let events = Arc::<Events>::default();
    let observer = Arc::clone(&events) as Arc<dyn ServerObserver>;
    (serve(|builder| configure(builder.observer(observer))).await, events)
}

async fn one_call(server: &Running) -> RawClient {
    let client = server.raw().await;
    let stream = client.call(UNARY, &slow(Duration::ZERO)).await;
    client.expect_headers(stream).await;
    client
}

#[tokio::test]
async fn a_connection_that_its_client_closes_is_told_from_its_beginning_to_its_end() {
    let (server, events) = observed(|builder| builder).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let peer = socket.local_addr().unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let opened = events.expect("an open connection", |event| match event {
        ServerEvent::Opened(connection) => Some(connection.clone()),
        _ => None,
    });
    let AcceptedConnection { connection, peer: told, .. } = opened.await;
    assert_eq!(told, Some(peer));
    socket.shutdown().await.unwrap();
    let closed = events.closed().await;
    assert_eq!((closed.reason, closed.calls_cut), (CloseReason::Client, 0));
    assert_eq!(events.of(connection), ["accepted", "opened", "closed"]);
}

#[tokio::test]
async fn who_is_told_to_go_away_and_goes_has_drained() {
    let (server, events) = observed(|builder| builder.max_connection_age(Duration::from_millis(50))).await;
    let client = one_call(&server).await;
    client.expect_go_away().await;
    client.half_close().await;
    let closed = events.closed().await;
    assert_eq!((closed.reason, closed.cause, closed.calls_cut), (CloseReason::Drained, None, 0));
    let key = closed.connection.connection;
    assert_eq!(events.of(key), ["accepted", "opened", "told to go", "closed"]);
    let reason = events.expect("a GOAWAY", |event| match event {
        ServerEvent::GoAwaySent(told) => Some(told.reason),
        _ => None,
    });
    assert_eq!(reason.await, DrainReason::MaxAge);
}

#[tokio::test]
async fn a_drain_is_told_step_by_step_and_what_it_cuts_is_counted() {
    let (server, events) = observed(|builder| builder).await;
    let client = server.raw().await;
    for _ in 0..3 {
        client.call(UNARY, &slow(NEVER)).await;
    }
    eventually("three calls", || server.service.calls() == 3).await;
    server.handle.drain(Duration::from_millis(50));
    let report = server.report().await;
    let closed = events.closed().await;
    assert_eq!((closed.reason, closed.calls_cut), (CloseReason::Cut, 3));
    let told = events.expect("a GOAWAY", |event| match event {
        ServerEvent::GoAwaySent(told) => Some((told.reason, told.calls)),
        _ => None,
    });
    assert_eq!(told.await, (DrainReason::GracefulStop, 3));
    let seen = events.seen.lock().unwrap();
    let steps: Vec<ShutdownStep> = seen
        .iter()
        .filter_map(|event| match event {
            ServerEvent::Shutdown(step) => Some(*step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [ShutdownStep::NotServing, ShutdownStep::Draining, ShutdownStep::Cutting]);
    let Some(ServerEvent::Ended(DrainReport { calls_cut, .. })) = seen.last() else { panic!("{seen:?}") };
    assert_eq!((*calls_cut, report.calls_cut), (3, 3));
}

#[tokio::test]
async fn each_way_to_come_to_nothing_has_a_reason_of_its_own() {
    let (server, events) = observed(|builder| builder.handshake_timeout(Duration::from_millis(30))).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    let closed = events.closed().await;
    assert_eq!(closed.reason, CloseReason::Handshake);
    assert!(closed.cause.unwrap().contains("HTTP/2 handshake in time"));
    drop(silent);

    let (server, events) = observed(|builder| builder).await;
    let mut stranger = TcpStream::connect(server.address).await.unwrap();
    stranger.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and more of the like").await.unwrap();
    let closed = events.closed().await;
    assert_eq!(closed.reason, CloseReason::Lost);
    assert!(closed.cause.is_some(), "{closed:?}");

    let (server, events) = observed(|builder| builder.max_connections(1)).await;
    let _first = one_call(&server).await;
    let _second = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(events.closed().await.reason, CloseReason::Refused);
}

#[tokio::test]
async fn a_grace_that_expires_and_a_flood_are_told_apart_from_a_loss() {
    let (server, events) = observed(|builder| {
        let builder = builder.max_connection_age(Duration::from_millis(30));
        builder.max_connection_age_grace(Duration::from_millis(30))
    })
    .await;
    let client = server.raw().await;
    client.call(UNARY, &slow(NEVER)).await;
    let closed = events.closed().await;
    assert_eq!((closed.reason, closed.calls_cut), (CloseReason::GraceExpired, 1));

    let (server, events) = observed(|builder| builder).await;
    one_call(&server).await.abort().await;
    assert_eq!(events.closed().await.reason, CloseReason::Lost);

    let (server, events) = observed(|builder| builder).await;
    let client = one_call(&server).await;
    for _ in 0..1_000 {
        // A field that HTTP/2 forbids: each makes the server reset its stream.
        client.open(Headers::request(UNARY).with("connection", "close"), true).await;
    }
    let closed = events.closed().await;
    assert_eq!(closed.reason, CloseReason::Flooded, "{closed:?}");
    assert!(closed.cause.is_some());
}

/// Panics at every event.
#[derive(Debug)]
struct Grumpy;

impl ServerObserver for Grumpy {
    fn on_event(&self, event: &ServerEvent) {
        panic!("of somebody's own: {event:?}");
    }
}

#[tokio::test]
async fn an_observer_that_panics_harms_nobody_and_none_that_is_open_is_left_in_the_end() {
    let (server, events) = observed(|builder| builder.observer(Arc::new(Grumpy))).await;
    let clients = [one_call(&server).await, one_call(&server).await];
    server.handle.drain(NEVER);
    for client in &clients {
        client.expect_go_away().await;
        client.half_close().await;
    }
    assert!(server.report().await.is_clean());
    let seen = events.seen.lock().unwrap();
    let open = seen.iter().fold(0, |open, event| match event {
        ServerEvent::Accepted(_) => open + 1,
        ServerEvent::Closed(_) => open - 1,
        _ => open,
    });
    assert_eq!(open, 0, "a gauge comes back to zero: {seen:?}");
}

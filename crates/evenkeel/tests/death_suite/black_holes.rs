//! Attempts to connect that nobody answers: each ends at its deadline, and nobody else waits for it.

use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_testkit::peer::{BlackHole, Peer};
use evenkeel_testkit::raw::{Automatic, Frame, RawServer};

use super::support::{CONNECT_TIMEOUT, assert_unavailable, hasty, only, refusal};
use super::world::World;

/// Steady calls while `bad` lets two attempts run into their deadline: no call fails.
async fn nobody_notices(bad: SocketAddr, cause: &str) {
    let world = World::start_with(bad, Duration::from_secs(20), hasty).await;
    world.events.lost(&bad.to_string(), cause, 2).await;
    world.end_without_failure().await;
}

/// A caller who has nobody else: told at the attempt's deadline, not at once and not never.
async fn alone_is_told(bad: SocketAddr, cause: &str) {
    let (status, after) = refusal(&only(bad)).await;
    assert_unavailable(&status, bad, &["connecting to", cause]);
    assert!(after >= CONNECT_TIMEOUT && after < Duration::from_secs(15), "{after:?}");
}

#[tokio::test]
async fn a_host_that_drops_every_syn() {
    let hole = BlackHole::open().await;
    let world = World::start_with(hole.address(), Duration::from_secs(20), hasty).await;
    while !hole.has_attempt() {
        world.goes_on().await;
    }
    world.end_without_failure().await;
    nobody_notices(hole.address(), "no connection after 0.").await;
    alone_is_told(hole.address(), "no connection after 0.").await;
}

#[tokio::test]
async fn a_kernel_that_accepts_for_a_process_that_does_not() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bad = listener.local_addr().unwrap();
    nobody_notices(bad, "no HTTP/2 SETTINGS after 0.").await;
    alone_is_told(bad, "no HTTP/2 SETTINGS after 0.").await;
}

#[tokio::test]
async fn a_pod_that_accepts_and_says_nothing_is_never_picked() {
    let silent = RawServer::start(Automatic::silent()).await;
    nobody_notices(silent.address(), "no HTTP/2 SETTINGS after 0.").await;
    alone_is_told(silent.address(), "no HTTP/2 SETTINGS after 0.").await;
    while let Some(connection) = silent.accepted().await {
        connection.expect_closed().await;
        let asked = connection.received().iter().any(|frame| matches!(frame, Frame::Headers { .. }));
        assert!(!asked, "a call was sent there: {:?}", silent.log());
    }
}

#[tokio::test]
async fn attempts_at_a_silent_pod_grow_apart() {
    let silent = Peer::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let world = World::start_with(silent.address(), Duration::from_secs(20), hasty).await;
    let gaps = silent.gaps(4).await;
    // The backoff is 100, 200 and 400 ms: the attempt's deadline is longer at first, and the distance follows it.
    assert!(gaps.iter().all(|gap| *gap >= CONNECT_TIMEOUT / 2), "{gaps:?}");
    world.end_without_failure().await;
}

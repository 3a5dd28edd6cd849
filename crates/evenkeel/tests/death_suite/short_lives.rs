//! Connections that end right after they open: the distance between attempts grows, and nobody else notices.

use std::time::Duration;

use evenkeel_testkit::peer::Peer;
use evenkeel_testkit::raw::{Frame, code};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{FIRST_BACKOFF, assert_unavailable, hasty, only, refusal};
use super::world::World;

fn settings() -> Vec<u8> {
    Frame::Settings { ack: false, params: Vec::new() }.encode().to_vec()
}

async fn closes(stream: TcpStream) {
    drop(stream);
}

/// Reads until the client has closed, so that the end is a FIN and no RST.
async fn leaves(mut stream: TcpStream) {
    // The client may be gone by now.
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn settings_then_closes(mut stream: TcpStream) {
    stream.write_all(&settings()).await.unwrap();
    leaves(stream).await;
}

async fn settings_then_goes_away(mut stream: TcpStream) {
    let mut bytes = settings();
    let debug = bytes::Bytes::from_static(b"not today");
    bytes.extend(Frame::GoAway { last_stream: 0, code: code::NO_ERROR, debug }.encode());
    stream.write_all(&bytes).await.unwrap();
    leaves(stream).await;
}

/// Five attempts take at least what the backoff says, 100 + 200 + 400 + 800 ms, less what accepting may jitter.
async fn assert_backoff_grows(peer: &Peer) {
    let gaps = peer.gaps(5).await;
    let mut least = FIRST_BACKOFF;
    for gap in &gaps[..4] {
        assert!(*gap >= least / 2, "at least half of {least:?}: {gaps:?}");
        least *= 2;
    }
}

#[tokio::test]
async fn a_pod_that_accepts_and_closes() {
    let peer = Peer::start(closes).await;
    let world = World::start_with(peer.address(), Duration::from_secs(20), hasty).await;
    assert_backoff_grows(&peer).await;
    world.end_without_failure().await;
    let (status, _) = refusal(&only(peer.address())).await;
    assert_unavailable(&status, peer.address(), &["connecting to"]);
    let told = ["the peer closed it before its SETTINGS", "the peer reset it", "the peer closed it"];
    assert!(told.iter().any(|text| status.message().contains(text)), "{status:?}");
}

#[tokio::test]
async fn a_pod_that_says_settings_and_goaway_costs_no_call() {
    let peer = Peer::start(settings_then_goes_away).await;
    let world = World::start_with(peer.address(), Duration::from_secs(20), hasty).await;
    assert_backoff_grows(&peer).await;
    world.bad_is_lost("GOAWAY NO_ERROR (not today)").await;
    world.end_without_failure().await;
}

#[tokio::test]
async fn a_pod_that_says_settings_and_closes() {
    let peer = Peer::start(settings_then_closes).await;
    let world = World::start_with(peer.address(), Duration::from_secs(20), hasty).await;
    assert_backoff_grows(&peer).await;
    world.bad_is_lost("the peer closed it").await;
    // What was sent between the SETTINGS and the end may have been worked on.
    world.end_with_unavailable().await;
}

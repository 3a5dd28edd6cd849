//! What a channel does when its connection ends, and when nobody calls.

use std::time::{Duration, Instant};

use evenkeel::ConnectivityState::{Connecting, Idle, Ready};
use evenkeel_testkit::raw::{Automatic, RawServer};
use evenkeel_testkit::tonic_peer::TonicServer;

use crate::support::{Seen, call_over, served_by, to};

/// Case 71 (`TestStateTransitions_ReadyToConnecting`): a READY connection ends, the channel is IDLE, and CONNECTING
/// again when it is asked to.
#[tokio::test]
async fn test_state_transitions_ready_to_connecting() {
    let server = RawServer::start(Automatic::default()).await;
    let (channel, seen) = Seen::build(to(&[server.address()]).policy("pick_first"));
    channel.connect().unwrap();
    let first = server.accept().await;
    // A connection that had no call and lives less than a second would count as a failed attempt.
    call_over(&channel, &first).await;
    drop(first);
    seen.until_state(Idle).await;
    assert!(server.accepted().await.is_none(), "nobody has asked");
    channel.connect().unwrap();
    let second = server.accept().await;
    call_over(&channel, &second).await;
    assert_eq!(seen.states(), [Connecting, Ready, Idle, Connecting, Ready]);
}

/// Case 71 under `round_robin`, which does not wait to be asked: from READY to CONNECTING at once.
#[tokio::test]
async fn test_state_transitions_ready_to_connecting_by_itself() {
    let server = RawServer::start(Automatic::default()).await;
    let (channel, seen) = Seen::build(to(&[server.address()]));
    channel.connect().unwrap();
    let first = server.accept().await;
    call_over(&channel, &first).await;
    drop(first);
    let second = server.accept().await;
    call_over(&channel, &second).await;
    assert_eq!(seen.states(), [Connecting, Ready, Connecting, Ready]);
}

/// Case 76 (`TestChannelIdleness_Enabled_ActiveSinceLastCheck`): short calls now and then, for longer than the
/// timeout, keep a channel awake although none of them runs when it looks.
#[tokio::test]
async fn test_channel_idleness_enabled_active_since_last_check() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let server = TonicServer::start("1");
    let (channel, seen) = Seen::build(to(&[server.address()]).idle_timeout(Some(TIMEOUT)));
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT * 5 / 2 {
        served_by(&channel).await.unwrap();
        tokio::time::sleep(TIMEOUT / 50).await;
    }
    assert_eq!(seen.states(), [Connecting, Ready]);
    seen.until_state(Idle).await;
}

/// Case 76 (`TestChannelIdleness_Enabled_IdleTimeoutRacesWithRPCs`): calls that come just when the channel goes IDLE
/// do not fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_channel_idleness_enabled_idle_timeout_races_with_rpcs() {
    const TIMEOUT: Duration = Duration::from_millis(8);
    let server = TonicServer::start("1");
    let (channel, seen) = Seen::build(to(&[server.address()]).idle_timeout(Some(TIMEOUT)));
    for round in 0..100 {
        served_by(&channel).await.unwrap();
        // Around the time at which it fires: from one timeout to a half more.
        tokio::time::sleep(TIMEOUT + TIMEOUT / 2 * (round % 10) / 10).await;
    }
    seen.until_state(Idle).await;
    assert_eq!(served_by(&channel).await.unwrap(), "1");
    assert_eq!(server.service().calls(), 101);
}

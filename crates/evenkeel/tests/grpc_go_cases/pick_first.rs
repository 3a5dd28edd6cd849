//! `pick_first`: one connection, kept as long as it lives, and how the next one is found.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use evenkeel::ConnectivityState::{Connecting, Idle, Ready, TransientFailure};
use evenkeel::{Backoff, Channel, ChannelBuilder, Endpoint, Event, Manual};
use evenkeel_testkit::peer::Peer;
use evenkeel_testkit::raw::{Automatic, RawServer};
use evenkeel_testkit::tonic_peer::TonicServer;

use crate::support::{NEVER, Seen, call_over, say_settings, served_by, to, within};

/// No outgoing connection takes a port here, so that a server can come back where it was.
const HOST: Ipv4Addr =
    if cfg!(target_os = "linux") { Ipv4Addr::new(127, 0, 0, 77) } else { Ipv4Addr::LOCALHOST };

fn manual(addresses: &[SocketAddr]) -> (Manual, ChannelBuilder) {
    let manual = Manual::new();
    set(&manual, addresses);
    let builder = Channel::builder("manual:///pods").resolver(manual.clone()).policy("pick_first");
    (manual, builder)
}

fn set(manual: &Manual, addresses: &[SocketAddr]) {
    manual.set(addresses.iter().copied().map(Endpoint::from));
}

fn is_attempt(event: &Event) -> bool {
    matches!(event, Event::SubchannelState(change) if change.to == Connecting)
}

/// An attempt that fails is the last one, as long as its failure is remembered.
fn no_second_attempt() -> Backoff {
    Backoff::new().initial(NEVER).max(NEVER)
}

/// A server that accepts and hangs up before it has said anything.
async fn hangs_up() -> Peer {
    Peer::start(|stream| async move { drop(stream) }).await
}

/// Case 32 (`TestPickFirst_StickyTransientFailure`): attempt after attempt fails, and the channel stays in
/// TRANSIENT_FAILURE without a flicker of CONNECTING.
#[tokio::test]
async fn test_pick_first_sticky_transient_failure() {
    let server = hangs_up().await;
    let backoff = Backoff::new().initial(Duration::from_millis(20));
    let (channel, seen) = Seen::build(to(&[server.address()]).policy("pick_first").backoff(backoff));
    channel.connect().unwrap();
    server.gaps(6).await;
    assert_eq!(seen.states(), [Connecting, TransientFailure]);
}

/// Case 33 (`TestPickFirstLeaf_ResolverUpdates_ActiveBackendInUpdatedList`): the connection in use stays when its
/// address is in the new list, also behind another.
#[tokio::test]
async fn test_pick_first_leaf_resolver_updates_active_backend_in_updated_list() {
    let active = TonicServer::start("active");
    let other = RawServer::start(Automatic::default()).await;
    let (manual, builder) = manual(&[active.address()]);
    let (channel, seen) = Seen::build(builder);
    assert_eq!(served_by(&channel).await.unwrap(), "active");
    set(&manual, &[other.address(), active.address()]);
    seen.until("the new list", 2, |event| matches!(event, Event::Resolved(_))).await;
    for _ in 0..10 {
        assert_eq!(served_by(&channel).await.unwrap(), "active");
    }
    assert_eq!(seen.states(), [Connecting, Ready]);
    assert_eq!(seen.count(is_attempt), 1, "the connection is the first one still");
    assert!(other.accepted().await.is_none());
}

/// Case 33 (`TestPickFirstLeaf_ResolverUpdates_InActiveBackendInUpdatedList`): a connection whose address is not in
/// the new list is replaced. Here the channel is IDLE in between, and the next call makes the new connection.
#[tokio::test]
async fn test_pick_first_leaf_resolver_updates_inactive_backend_in_updated_list() {
    let leaving = RawServer::start(Automatic::default()).await;
    let coming = TonicServer::start("coming");
    let (manual, builder) = manual(&[leaving.address()]);
    let (channel, seen) = Seen::build(builder);
    channel.connect().unwrap();
    let old = leaving.accept().await;
    call_over(&channel, &old).await;
    set(&manual, &[coming.address()]);
    old.expect_closed().await;
    seen.until_state(Idle).await;
    assert_eq!(served_by(&channel).await.unwrap(), "coming");
    assert_eq!(seen.states(), [Connecting, Ready, Idle, Connecting, Ready]);
}

/// Two servers of which those `before` are up and `connected` gets the call; it stops, the channel is IDLE, those
/// `after` are up, and the next call goes to `next`.
async fn stop_connected_server(before: [bool; 2], connected: usize, after: [bool; 2], next: usize) {
    let mut servers = [1, 2].map(|number| TonicServer::start_on((HOST, 0).into(), &number.to_string()));
    let builder = to(&servers.each_ref().map(TonicServer::address)).policy("pick_first");
    let (channel, seen) = Seen::build(builder.backoff(no_second_attempt()));
    for (server, _) in servers.iter_mut().zip(before).filter(|(_, is_up)| !is_up) {
        server.kill();
    }
    assert_eq!(served_by(&channel).await.unwrap(), connected.to_string());
    servers[connected - 1].kill();
    seen.until_state(Idle).await;
    let mut is_up = before;
    is_up[connected - 1] = false;
    for (i, server) in servers.iter_mut().enumerate() {
        match (is_up[i], after[i]) {
            (false, true) => *server = TonicServer::start_on(server.address(), &(i + 1).to_string()),
            (true, false) => server.kill(),
            _ => {}
        }
    }
    assert_eq!(served_by(&channel).await.unwrap(), next.to_string());
    assert_eq!(seen.states(), [Connecting, Ready, Idle, Connecting, Ready]);
}

/// Case 35 (`TestPickFirstLeaf_StopConnectedServer_FirstServerRestart`): the first server is back before the next
/// call, which goes there.
#[tokio::test]
async fn test_pick_first_leaf_stop_connected_server_first_server_restart() {
    stop_connected_server([true, true], 1, [true, true], 1).await;
}

/// Case 35 (`..._SecondServerRestart`): the first one is down as before, the second one back.
#[tokio::test]
async fn test_pick_first_leaf_stop_connected_server_second_server_restart() {
    stop_connected_server([false, true], 2, [false, true], 2).await;
}

/// Case 35 (`..._SecondServerToFirst`): the second one stops, the first one has come up; its failure of the time
/// before does not hold it back.
#[tokio::test]
async fn test_pick_first_leaf_stop_connected_server_second_server_to_first() {
    stop_connected_server([false, true], 2, [true, false], 1).await;
}

/// Case 35 (`..._FirstServerToSecond`): the first one stays down, the second one takes over.
#[tokio::test]
async fn test_pick_first_leaf_stop_connected_server_first_server_to_second() {
    stop_connected_server([true, true], 1, [false, true], 2).await;
}

/// Case 37 (`TestPickFirstLeaf_HappyEyeballs_TriggerConnectionDelay`): the second address is tried 250 ms after the
/// first; the first attempt goes on beside it, and may win.
#[tokio::test]
async fn test_pick_first_leaf_happy_eyeballs_trigger_connection_delay() {
    let servers = [RawServer::start(Automatic::silent()).await, RawServer::start(Automatic::silent()).await];
    let asked = Instant::now();
    let (channel, seen) = Seen::build(to(&servers.each_ref().map(RawServer::address)).policy("pick_first"));
    channel.connect().unwrap();
    let second = servers[1].accept().await;
    assert!(asked.elapsed() >= Duration::from_millis(250), "{:?}", asked.elapsed());
    let first = servers[0].accept().await;
    say_settings(&first).await;
    second.expect_closed().await;
    call_over(&channel, &first).await;
    assert_eq!(seen.states(), [Connecting, Ready]);
    assert_eq!(seen.count(is_attempt), 2);
}

const ERROR: &str = "nobody knows these pods";

async fn resolver_error(manual: &Manual, seen: &Seen) {
    manual.set_failed(ERROR);
    seen.until("the error", 1, |event| matches!(event, Event::ResolutionFailed(_))).await;
}

/// Case 44 (`TestPickFirst_ResolverError_WithPreviousUpdate_Ready`): a READY channel does not mind.
#[tokio::test]
async fn test_pick_first_resolver_error_with_previous_update_ready() {
    let server = TonicServer::start("1");
    let (manual, builder) = manual(&[server.address()]);
    let (channel, seen) = Seen::build(builder);
    assert_eq!(served_by(&channel).await.unwrap(), "1");
    resolver_error(&manual, &seen).await;
    assert_eq!(served_by(&channel).await.unwrap(), "1");
    assert_eq!(seen.states(), [Connecting, Ready]);
}

/// Case 44 (`..._Connecting`): neither does one that is connecting; calls wait for what becomes of it.
#[tokio::test]
async fn test_pick_first_resolver_error_with_previous_update_connecting() {
    let server = RawServer::start(Automatic::silent()).await;
    let (manual, builder) = manual(&[server.address()]);
    let (channel, seen) = Seen::build(builder);
    channel.connect().unwrap();
    let connection = server.accept().await;
    resolver_error(&manual, &seen).await;
    say_settings(&connection).await;
    call_over(&channel, &connection).await;
    assert_eq!(seen.states(), [Connecting, Ready]);
}

/// Case 44 (`..._TransientFailure`): where calls fail anyway, they fail with the resolver's error.
#[tokio::test]
async fn test_pick_first_resolver_error_with_previous_update_transient_failure() {
    let server = hangs_up().await;
    let (manual, builder) = manual(&[server.address()]);
    let (channel, seen) = Seen::build(builder.backoff(no_second_attempt()));
    channel.connect().unwrap();
    seen.until_state(TransientFailure).await;
    resolver_error(&manual, &seen).await;
    let status = within("a status", served_by(&channel)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains(ERROR), "{status:?}");
}

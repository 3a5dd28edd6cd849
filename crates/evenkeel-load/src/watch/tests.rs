use std::net::SocketAddr;

use evenkeel::ConnectivityState::{Connecting, Idle, Ready, Shutdown, TransientFailure};
use evenkeel::event::{
    ConnectionKey, ConnectionRef, RefreshRequested, Resolved, SubchannelKey, SubchannelStateChanged,
};
use evenkeel::{Address, Endpoint};

use super::{ConnectivityState, Duration, Event, GoAway, KEPT, ResolutionFailed, Seen};

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 1))
}

fn resolved(last: &[u8]) -> Event {
    let endpoints: Vec<Endpoint> = last.iter().map(|last| address(*last).into()).collect();
    Event::Resolved(Resolved::new(endpoints))
}

fn state(last: u8, from: ConnectivityState, to: ConnectivityState, cause: Option<&str>) -> Event {
    let change = SubchannelStateChanged::new(SubchannelKey::default(), address(last), from, to);
    Event::SubchannelState(change.because(cause.map(Into::into)))
}

fn seen(events: &[Event]) -> Seen {
    let mut seen = Seen::default();
    for (event, second) in events.iter().zip(1..) {
        seen.on_event(Duration::from_secs(second), event);
    }
    seen
}

fn texts(seen: &Seen) -> Vec<&str> {
    seen.events.iter().map(|event| event.text.as_str()).collect()
}

#[test]
fn pods_come_and_go() {
    let seen = seen(&[resolved(&[1, 2]), resolved(&[1, 2]), resolved(&[2, 3])]);
    assert_eq!(texts(&seen), ["resolved: 2 addresses", "resolved: +10.0.0.3:1 -10.0.0.1:1"]);
    assert_eq!((seen.tally.lookups, seen.tally.joined, seen.tally.left), (3, 1, 1));
    let members: Vec<_> = seen.members.iter().map(|(at, member)| (at.as_str(), member.joined)).collect();
    let third = Some(Duration::from_secs(3));
    assert_eq!(members, [("10.0.0.2:1", None), ("10.0.0.3:1", third)], "who is gone for good is not listed");
}

#[test]
fn a_pod_that_left_the_list_stays_while_it_has_a_connection() {
    let mut seen = seen(&[resolved(&[1, 2]), state(1, Connecting, Ready, None), resolved(&[2])]);
    let gone = seen.members["10.0.0.1:1"];
    assert_eq!((gone.state, gone.is_listed), (Ready, false));
    seen.on_event(Duration::from_secs(9), &state(1, Ready, Shutdown, None));
    assert!(!seen.members.contains_key("10.0.0.1:1"));
}

#[test]
fn a_name_that_is_gone_takes_its_pods_along_but_for_those_that_still_answer() {
    let absent = Event::ResolutionFailed(ResolutionFailed::absent("no such name"));
    let mut seen = seen(&[absent.clone(), resolved(&[1, 2]), state(1, Connecting, Ready, None), absent]);
    let members: Vec<_> = seen.members.iter().map(|(at, member)| (at.as_str(), member.is_listed)).collect();
    assert_eq!(members, [("10.0.0.1:1", false)]);
    assert_eq!((seen.tally.left, seen.tally.failed_lookups), (2, 2));
    seen.on_event(Duration::from_secs(9), &resolved(&[1, 2]));
    assert_eq!((seen.tally.joined, seen.members.len()), (2, 2), "they came back, and are no first list");
}

#[test]
fn what_connections_do_is_told_with_its_cause() {
    let address = Address::from(address(1));
    let connection = ConnectionRef::new(ConnectionKey::default(), SubchannelKey::default(), address);
    let goaway = Event::GoAway(GoAway::new(connection, 0, "max\x1b_age"));
    let seen = seen(&[
        // On a connection that drains already.
        goaway.clone(),
        state(1, Ready, Idle, Some("reset")),
        state(1, Connecting, Ready, None),
        goaway,
        state(1, Ready, Idle, Some("it said goodbye")),
        state(2, Ready, Idle, Some("connection reset")),
        state(2, Connecting, TransientFailure, Some("refused")),
        Event::RefreshRequested(RefreshRequested::new(true)),
        Event::ResolutionFailed(ResolutionFailed::failed("ServFail")),
    ]);
    assert_eq!(
        texts(&seen),
        [
            "GOAWAY from 10.0.0.1:1: max\u{fffd}_age",
            "10.0.0.1:1 lost: reset",
            "10.0.0.1:1 READY",
            "GOAWAY from 10.0.0.1:1: max\u{fffd}_age",
            "10.0.0.2:1 lost: connection reset",
            "10.0.0.2:1 TRANSIENT_FAILURE: refused",
            "re-resolution requested: no endpoint is READY",
            "not resolved: ServFail",
        ]
    );
    assert_eq!((seen.tally.goaways, seen.tally.lost, seen.tally.failed_lookups), (2, 2, 1));
    assert!(seen.told.is_empty());
}

#[test]
fn the_last_events_are_kept() {
    let many: Vec<Event> =
        (0..KEPT + 5).map(|_| Event::RefreshRequested(RefreshRequested::new(false))).collect();
    let seen = seen(&many);
    assert_eq!(seen.events.len(), KEPT);
    assert_eq!(seen.events.front().map(|event| event.at), Some(Duration::from_secs(6)));
}

#[test]
fn times_before_the_beginning_are_its_own() {
    let mut seen = seen(&[resolved(&[1]), state(1, Connecting, Ready, None), resolved(&[1, 2])]);
    seen.on_event(Duration::from_secs(9), &state(2, Connecting, Ready, None));
    seen.rebase(Duration::from_secs(5));
    assert_eq!(seen.events.iter().map(|event| event.at.as_secs()).collect::<Vec<_>>(), [0, 0, 0, 4]);
    assert!(seen.members.values().all(|member| member.joined.is_none()));
    let connected: Vec<_> = seen.connected.iter().map(|(at, when)| (at.as_str(), when.as_secs())).collect();
    assert_eq!(connected, [("10.0.0.1:1", 0), ("10.0.0.2:1", 4)]);
}

#[test]
fn endpoints_and_failed_attempts_are_known() {
    let mut seen = seen(&[resolved(&[1, 2]), state(1, Connecting, TransientFailure, Some("refused"))]);
    assert_eq!(seen.endpoints.len(), 2);
    seen.on_event(Duration::from_secs(5), &state(1, TransientFailure, Connecting, None));
    assert!(seen.has_failed("10.0.0.1:1") && !seen.has_failed("10.0.0.2:1"));
}

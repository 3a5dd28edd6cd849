//! Attempts beside each other (gRFC A61, RFC 8305).

use std::time::Duration;

use evenkeel_core::balance::{PickFirstConfig, RoundRobinConfig};
use evenkeel_core::state::ConnectivityState::{Connecting, Idle, Ready, TransientFailure};

use crate::world::{DELAY, NANOSECOND, World, go};

fn world(endpoints: &[&str]) -> World {
    let mut world = World::new(PickFirstConfig::default());
    world.resolve(endpoints);
    world
}

#[test]
fn happy_eyeballs_trigger_connection_delay() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(DELAY - NANOSECOND);
    assert_eq!(world.dialling(), ["a"]);
    world.pass(NANOSECOND);
    assert_eq!(world.dialling(), ["a", "b"], "the first attempt keeps running");
    world.pass(DELAY - NANOSECOND);
    assert_eq!(world.dialling(), ["a", "b"]);
    world.pass(NANOSECOND);
    assert_eq!(world.dialling(), ["a", "b", "c"]);
    assert_eq!(world.channel.next_wakeup(), None, "nothing comes after the last address");
}

#[test]
fn happy_eyeballs_first_ready_wins_and_the_others_are_given_up() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(DELAY);
    world.connect("b");
    assert_eq!((world.state(), world.ask()), (Ready, go("b")));
    assert_eq!((world.live_addresses(), world.dialling()), (vec!["b"], vec![]));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.live_addresses(), ["b"], "the timer is off");
}

#[test]
fn happy_eyeballs_an_earlier_attempt_may_win_late() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(2 * DELAY);
    world.connect("a");
    assert_eq!((world.ask(), world.live_addresses()), (go("a"), vec!["a"]));
}

#[test]
fn happy_eyeballs_tf_then_timer_fires() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(DELAY / 2);
    world.fail("a");
    assert_eq!(world.dialling(), ["b"], "at once");
    world.pass(DELAY - NANOSECOND);
    assert_eq!(world.dialling(), ["b"], "the second has a whole head start of its own");
    world.pass(NANOSECOND);
    assert_eq!(world.dialling(), ["b", "c"]);
}

#[test]
fn happy_eyeballs_tf_after_end_of_list() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(2 * DELAY);
    for address in ["c", "a"] {
        world.fail(address);
        assert_eq!(world.state(), Connecting, "b has not failed yet");
        assert_eq!(world.resolutions, 0);
    }
    world.fail("b");
    assert_eq!((world.state(), world.resolutions), (TransientFailure, 1));
    assert!(world.failure().ends_with("b refused"), "{}", world.failure());
}

#[test]
fn happy_eyeballs_an_earlier_failure_gives_the_running_attempt_no_shorter_start() {
    let mut world = world(&["a", "b", "c"]);
    world.pass(DELAY);
    world.fail("a");
    assert_eq!(world.dialling(), ["b"]);
    world.pass(DELAY);
    assert_eq!(world.dialling(), ["b", "c"]);
}

#[test]
fn happy_eyeballs_a_backoff_that_ends_in_the_pass_waits_for_its_end() {
    let mut world = world(&["a", "b"]);
    world.fail("a");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.dialling(), ["b"]);
    world.fail("b");
    assert_eq!(world.state(), TransientFailure);
    assert_eq!(world.dialling(), ["a"], "from now on each goes on by itself");
}

#[test]
fn happy_eyeballs_ignore_inflight_cancellations() {
    let mut world = world(&["a", "b"]);
    world.pass(DELAY);
    world.connect("b");
    world.lose("b");
    world.call();
    assert_eq!(world.state(), Connecting, "a's attempt was given up, it did not fail");
    assert_eq!(world.dialling(), ["a"]);
}

#[test]
fn happy_eyeballs_delay_is_settable_within_its_bounds() {
    let ms = Duration::from_millis;
    for (set, effective) in [(ms(1), ms(100)), (ms(500), ms(500)), (ms(60_000), ms(2000))] {
        let mut world = World::with(PickFirstConfig::default(), set, || 0);
        world.resolve(&["a", "b"]);
        world.pass(effective - NANOSECOND);
        assert_eq!(world.dialling(), ["a"], "{set:?}");
        world.pass(NANOSECOND);
        assert_eq!(world.dialling(), ["a", "b"], "{set:?}");
    }
}

#[test]
fn happy_eyeballs_black_hole_first_is_ready_soon_after_the_delay_under_both_policies() {
    for mut world in [World::new(PickFirstConfig::default()), World::new(RoundRobinConfig::default())] {
        world.resolve(&["hole good"]);
        world.pass(DELAY);
        world.connect("good");
        assert_eq!(world.now.since_origin(), DELAY);
        assert_eq!(world.ask(), go("good"));
        assert_eq!(world.live_addresses(), ["good"]);
    }
}

#[test]
fn pick_first_after_goaway_without_calls_is_idle_and_does_not_reconnect() {
    let mut world = world(&["a"]);
    world.connect("a");
    world.pass(Duration::from_secs(600));
    world.lose("a");
    world.pass(Duration::from_secs(600));
    assert_eq!((world.state(), world.dialling()), (Idle, vec![]));
}

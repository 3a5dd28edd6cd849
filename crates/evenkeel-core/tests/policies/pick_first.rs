//! One connection, and what happens to it (spec: gRPC channel specification, gRFC A62).

use std::time::Duration;

use evenkeel_core::balance::PickFirstConfig;
use evenkeel_core::state::ConnectivityState::{Connecting, Idle, Ready, TransientFailure};

use crate::world::{BACKOFF, DELAY, NANOSECOND, Told, World, go};

fn world(endpoints: &[&str]) -> World {
    let mut world = World::new(PickFirstConfig::default());
    world.resolve(endpoints);
    world
}

#[test]
fn pickfirst_multiple_backends_and_one_server_down() {
    let mut world = world(&["a", "b"]);
    assert_eq!((world.state(), world.ask()), (Connecting, Told::Wait));
    world.connect("a");
    for _ in 0..10 {
        assert_eq!(world.call(), go("a"));
    }
    world.lose("a");
    world.call();
    world.fail("a");
    world.connect("b");
    assert_eq!(world.call(), go("b"));
}

#[test]
fn pickfirst_sticky_transient_failure() {
    let mut world = world(&["a", "b"]);
    world.fail("a");
    world.fail("b");
    assert_eq!(world.state(), TransientFailure);
    let seen = world.states.len();
    for _ in 0..20 {
        world.pass(Duration::from_secs(150));
        assert_eq!(world.dialling(), ["a", "b"], "both are tried again, each after its own backoff");
        world.fail("a");
        world.fail("b");
    }
    assert!(world.states[seen..].iter().all(|state| *state == TransientFailure), "{:?}", world.states);
    world.pass(Duration::from_secs(150));
    world.connect("b");
    assert_eq!((world.state(), world.ask()), (Ready, go("b")));
}

#[test]
fn pickfirst_retries_an_address_when_its_backoff_ends_and_not_before() {
    let mut world = world(&["a"]);
    world.fail("a");
    world.pass(BACKOFF - NANOSECOND);
    assert!(world.dialling().is_empty());
    world.pass(NANOSECOND);
    assert_eq!(world.dialling(), ["a"]);
}

#[test]
fn pickfirst_leaf_resolver_updates_active_backend_in_updated_list() {
    let mut world = world(&["a", "b"]);
    world.connect("a");
    let published = world.publications;
    for list in [&["c", "a"][..], &["a"], &["x a", "y"]] {
        world.resolve(list);
        assert_eq!((world.connected(), world.dialling()), (vec!["a"], vec![]), "{list:?}");
    }
    assert_eq!(world.publications, published, "nothing to tell calls");
}

#[test]
fn pickfirst_leaf_resolver_updates_inactive_backend_in_updated_list() {
    let mut world = world(&["a", "b"]);
    world.connect("a");
    world.resolve(&["c", "b"]);
    assert_eq!(world.state(), Idle);
    assert!(world.connected().is_empty() && world.live.is_empty(), "the connection is given up");
    assert!(world.dialling().is_empty(), "no call wants another");
    assert_eq!(world.call(), Told::Wait);
    assert_eq!(world.dialling(), ["c"]);
    world.connect("c");
    assert_eq!(world.ask(), go("c"));
}

#[test]
fn pickfirst_leaf_resolver_updates_identical_lists() {
    let mut world = world(&["a", "b"]);
    world.pass(DELAY);
    let live = world.live.clone();
    world.resolve(&["a", "b"]);
    assert_eq!(world.dialling(), ["a", "b"], "the attempts go on");
    assert_eq!(world.live, live);
}

#[test]
fn pickfirst_leaf_resolver_updates_duplicate_addresses() {
    let mut world = world(&["a", "a b", "b"]);
    world.fail("a");
    assert_eq!(world.dialling(), ["b"]);
    world.fail("b");
    assert_eq!(world.state(), TransientFailure, "each was tried once");
}

#[test]
fn pickfirst_new_list_while_connecting_is_a_new_pass_that_keeps_attempts_and_backoffs() {
    let mut world = world(&["a", "b", "c"]);
    world.fail("a");
    world.resolve(&["a", "d", "b"]);
    assert_eq!(world.live_addresses(), ["a", "b", "d"]);
    assert_eq!(world.dialling(), ["b", "d"], "a is in its backoff, b's attempt goes on");
    world.fail("d");
    assert_eq!(world.dialling(), ["b"], "reached, and left to itself");
    assert_eq!(world.state(), Connecting);
    world.fail("b");
    assert_eq!(world.state(), TransientFailure);
}

#[test]
fn pickfirst_new_list_in_transient_failure_is_a_new_pass_that_tells_calls_nothing() {
    let mut world = world(&["a"]);
    world.fail("a");
    let seen = world.states.len();
    world.resolve(&["a", "b"]);
    assert_eq!(world.dialling(), ["b"], "a is in its backoff");
    world.connect("b");
    assert_eq!(world.states[seen..], [Ready], "TRANSIENT_FAILURE until then");
}

#[test]
fn pickfirst_failures_before_a_pass_do_not_count_in_it() {
    let mut world = world(&["a", "b"]);
    world.fail("a");
    world.pass(Duration::from_secs(5));
    world.resolve(&["a", "b", "c"]);
    world.pass(2 * DELAY);
    assert_eq!(world.dialling(), ["b", "a", "c"]);
    world.fail("b");
    world.fail("c");
    assert_eq!(world.state(), Connecting, "a is on its second attempt");
    world.fail("a");
    assert_eq!(world.state(), TransientFailure);
}

#[test]
fn pickfirst_backoff_that_ends_with_the_attempt_delay_is_heard_of_first() {
    let mut world = world(&["b"]);
    world.fail("b");
    world.pass(BACKOFF - DELAY);
    world.resolve(&["a", "b"]);
    world.pass(DELAY);
    assert_eq!(world.dialling(), ["a", "b"]);
}

#[test]
fn pickfirst_leaf_stop_connected_server() {
    // The server that was connected stops; it, another, or none comes back.
    for (backs, last) in [(vec!["a"], "a"), (vec!["b"], "b"), (vec!["a", "b"], "a")] {
        let mut world = world(&["a", "b"]);
        world.fail("a");
        world.connect("b");
        world.pass(Duration::from_secs(200));
        let asked = world.resolutions;
        world.lose("b");
        assert_eq!((world.state(), world.resolutions), (Idle, asked + 1));
        world.pass(Duration::from_secs(3600));
        assert!(world.dialling().is_empty(), "without a call nothing is dialled");
        assert_eq!(world.call(), Told::Wait);
        assert_eq!((world.state(), world.dialling()), (Connecting, vec!["a"]), "from the first address");
        if !backs.contains(&"a") {
            world.fail("a");
        }
        world.connect(last);
        assert_eq!(world.ask(), go(last));
    }
}

#[test]
fn pickfirst_connection_that_ends_at_once_is_not_redialled_in_a_hot_loop() {
    let mut world = world(&["a"]);
    world.connect("a");
    world.lose_saying("a", false);
    assert_eq!(world.call(), Told::Wait);
    assert_eq!(world.state(), TransientFailure, "its only address is in its backoff");
    assert!(world.failure().contains("a lost"), "{}", world.failure());
    assert!(world.dialling().is_empty());
    world.pass(BACKOFF);
    assert_eq!(world.dialling(), ["a"]);
}

#[test]
fn pickfirst_leaf_empty_address_list() {
    let mut world = world(&[]);
    assert_eq!(world.state(), TransientFailure);
    assert!(world.failure().contains("found no endpoints"), "{}", world.failure());
    world.resolve(&["a"]);
    assert_eq!(world.state(), Connecting, "nothing has failed to connect");
    world.resolve(&[]);
    assert_eq!((world.state(), world.dialling(), world.live.len()), (TransientFailure, vec![], 0));
    world.resolve(&["b"]);
    world.connect("b");
    assert_eq!(world.ask(), go("b"));
}

#[test]
fn pickfirst_new_address_while_blocking() {
    let mut world = World::new(PickFirstConfig::default());
    assert_eq!(world.call(), Told::Wait);
    world.resolve(&["a"]);
    assert_eq!(world.call(), Told::Wait);
    world.connect("a");
    assert_eq!(world.call(), go("a"));
}

#[test]
fn pickfirst_resolver_error_with_previous_update() {
    let mut world = world(&["a"]);
    world.resolver_fails("SERVFAIL");
    assert_eq!((world.state(), world.ask()), (Connecting, Told::Wait));
    world.connect("a");
    world.resolver_fails("SERVFAIL");
    assert_eq!(world.ask(), go("a"));
    world.lose("a");
    world.resolver_fails("SERVFAIL");
    assert_eq!(world.call(), Told::Wait);
    world.fail("a");
    assert!(world.failure().contains("a refused"));
    world.resolver_fails("SERVFAIL again");
    assert!(world.failure().contains("SERVFAIL again"));
}

#[test]
fn pickfirst_resolver_error_without_previous_update() {
    let mut world = World::new(PickFirstConfig::default());
    world.resolver_fails("SERVFAIL");
    assert_eq!(
        (world.state(), world.failure()),
        (TransientFailure, "name resolution failed: SERVFAIL".into())
    );
    world.resolve(&["a"]);
    assert_eq!(world.state(), Connecting);
}

#[test]
fn pickfirst_leaf_tf_picker_update() {
    let mut world = world(&["a", "b", "c"]);
    ["a", "b", "c"].into_iter().for_each(|address| world.fail(address));
    assert!(world.failure().ends_with("c refused"));
    assert_eq!(world.resolutions, 1, "the pass is over");
    world.pass(BACKOFF);
    world.fail_saying("b", "b again");
    world.fail_saying("c", "c again");
    assert!(world.failure().ends_with("c refused"), "two of three");
    assert_eq!(world.resolutions, 1);
    world.fail_saying("a", "a again");
    assert!(world.failure().ends_with("a again"), "{}", world.failure());
    assert_eq!(world.resolutions, 2);
}

#[test]
fn pickfirst_shuffle_address_list() {
    for (shuffle, first) in [(false, "a"), (true, "c")] {
        let config = PickFirstConfig::new().shuffle_address_list(shuffle);
        // Draws that grow: the last endpoint gets the largest key.
        let mut draw = 0;
        let mut world = World::with(config, DELAY, move || {
            draw += u64::MAX / 1000;
            draw
        });
        world.resolve(&["a", "b", "c"]);
        assert_eq!(world.dialling(), [first]);
    }
}

#[test]
fn pickfirst_new_settings_hold_from_the_next_list_on_and_disturb_no_connection() {
    let mut world = world(&["a"]);
    world.connect("a");
    world.switch_to(PickFirstConfig::new().shuffle_address_list(true));
    assert_eq!(world.ask(), go("a"));
}

//! Every READY endpoint in turn, each connected to at one of its addresses (gRFC A61).

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::balance::RoundRobinConfig;
use evenkeel_core::state::ConnectivityState::{Connecting, Ready, TransientFailure};

use crate::world::{BACKOFF, DELAY, Told, World, go};

fn world(endpoints: &[&str]) -> World {
    let mut world = World::with(RoundRobinConfig::default(), DELAY, || 0);
    world.resolve(endpoints);
    world
}

fn shares(world: &World, calls: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..calls {
        let Told::Go(address) = world.ask() else { panic!("{:?}", world.ask()) };
        *shares.entry(address).or_default() += 1;
    }
    shares
}

fn even(addresses: &[&str], share: usize) -> BTreeMap<String, usize> {
    addresses.iter().map(|address| ((*address).to_owned(), share)).collect()
}

#[test]
fn round_robin_basic() {
    let mut world = world(&["a", "b", "c"]);
    assert_eq!(world.dialling(), ["a", "b", "c"], "all at once, without a call");
    ["c", "a", "b"].into_iter().for_each(|address| world.connect(address));
    assert_eq!(shares(&world, 30), even(&["a", "b", "c"], 10));
}

#[test]
fn round_robin_one_server_down() {
    let mut world = world(&["a", "b", "c"]);
    ["a", "b", "c"].into_iter().for_each(|address| world.connect(address));
    world.lose("b");
    assert_eq!((world.dialling(), world.resolutions), (vec!["b"], 1), "redialled without a call");
    world.fail("b");
    assert_eq!(shares(&world, 20), even(&["a", "c"], 10));
    world.pass(Duration::from_secs(2));
    world.connect("b");
    assert_eq!(shares(&world, 30), even(&["a", "b", "c"], 10));
}

#[test]
fn round_robin_all_servers_down() {
    let mut world = world(&["a", "b"]);
    ["a", "b"].into_iter().for_each(|address| world.connect(address));
    world.lose("a");
    world.fail("a");
    assert_eq!(world.state(), Ready);
    world.lose("b");
    assert_eq!((world.state(), world.ask()), (Connecting, Told::Wait), "b is only being redialled");
    world.fail("b");
    assert_eq!(world.state(), TransientFailure);
    assert!(world.failure().contains("b refused"), "{}", world.failure());
}

#[test]
fn round_robin_failing_and_retrying_endpoint_counts_as_failed() {
    let mut world = world(&["a"]);
    world.fail("a");
    let seen = world.states.len();
    for _ in 0..5 {
        world.pass(Duration::from_secs(150));
        world.fail("a");
    }
    assert!(world.states[seen..].iter().all(|state| *state == TransientFailure), "{:?}", world.states);
}

#[test]
fn round_robin_addresses_removed() {
    let mut world = world(&["a", "b"]);
    world.connect("a");
    world.resolve(&["b"]);
    assert_eq!((world.state(), world.live_addresses()), (Connecting, vec!["b"]));
    world.resolve(&[]);
    assert_eq!((world.state(), world.live.len()), (TransientFailure, 0));
    assert!(world.failure().contains("found no endpoints"), "{}", world.failure());
}

#[test]
fn round_robin_new_address_while_blocking() {
    let mut world = World::new(RoundRobinConfig::default());
    assert_eq!(world.call(), Told::Wait);
    world.resolve(&["a"]);
    world.connect("a");
    assert_eq!(world.call(), go("a"));
}

#[test]
fn round_robin_rotates_endpoints_and_skips_duplicates() {
    let mut world = World::with(RoundRobinConfig::default(), DELAY, || u64::MAX / 3 * 2);
    world.resolve(&["a", "b", "c b", "b c"]);
    assert_eq!(world.dialling(), ["c", "a", "b"], "from a random one on; `c b` and `b c` are one endpoint");
}

#[test]
fn round_robin_endpoint_with_two_addresses_is_one_endpoint() {
    let mut world = world(&["a4 a6", "b4 b6"]);
    assert_eq!(world.dialling(), ["a4", "b4"]);
    world.pass(DELAY);
    assert_eq!(world.dialling(), ["a4", "b4", "a6", "b6"], "happy eyeballs in each");
    world.connect("a6");
    world.connect("b4");
    assert_eq!(world.live_addresses(), ["a6", "b4"], "one connection each");
    assert_eq!(shares(&world, 10), even(&["a6", "b4"], 5));
}

#[test]
fn round_robin_endpoint_fails_when_all_its_addresses_have() {
    let mut world = world(&["a4 a6"]);
    world.fail("a4");
    assert_eq!(world.state(), Connecting);
    world.fail("a6");
    assert_eq!((world.state(), world.resolutions), (TransientFailure, 1));
    world.pass(BACKOFF);
    assert_eq!(world.dialling(), ["a4", "a6"]);
}

#[test]
fn round_robin_reordered_addresses_keep_the_endpoint_and_another_set_is_another_endpoint() {
    let mut world = world(&["a b"]);
    world.connect("a");
    let before = world.live.clone();
    world.resolve(&["b a"]);
    assert_eq!(world.live, before);
    world.lose("a");
    assert_eq!(world.dialling(), ["b"], "the new order is that of the next pass");
    world.resolve(&["b a c"]);
    assert_eq!(world.live_addresses(), ["b"]);
    assert_ne!(world.live.keys().next(), before.keys().next(), "another subchannel");
}

#[test]
fn round_robin_timers_of_many_endpoints_each_fire_in_time() {
    let mut world = world(&["a1 a2"]);
    world.pass(DELAY / 2);
    world.resolve(&["a1 a2", "b1 b2"]);
    world.pass(DELAY / 2);
    assert_eq!(world.dialling(), ["a1", "b1", "a2"]);
    world.pass(DELAY / 2);
    assert_eq!(world.dialling(), ["a1", "b1", "a2", "b2"]);
}

#[test]
fn round_robin_change_of_one_among_ten_thousand_touches_one_child() {
    let names: Vec<String> = (0..10_001).map(|n| format!("p{n}")).collect();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = world(&list[..10_000]);
    assert_eq!(world.dialling().len(), 10_000);
    let before = world.live.clone();
    world.resolve(&list[1..]);
    let gone: Vec<_> = before.iter().filter(|entry| world.live.get(entry.0) != Some(entry.1)).collect();
    assert_eq!(gone.len(), 1, "p0 alone is given up, and its index serves p10000");
    assert_eq!(world.dialling().len(), 10_000);
    assert_eq!(world.dialling().last(), Some(&"p10000"));
}

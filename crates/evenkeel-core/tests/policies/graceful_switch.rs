//! From one policy to another (gRPC channel specification).

use std::sync::Arc;

use evenkeel_core::balance::{
    CallInfo, Controller, Pick, PickFailure, PickFirstConfig, Picker, Policy, PolicyConfig, PolicyUpdate,
    Published, Rejected, RoundRobinConfig, SubchannelUpdate,
};
use evenkeel_core::random::Random;
use evenkeel_core::state::ConnectivityState::{self, Connecting, Idle, Ready, TransientFailure};

use crate::world::{Told, World, go};

/// A policy that fails all calls, from its first list of endpoints on.
#[derive(Debug)]
struct Refuse(&'static str);

#[derive(Debug)]
struct Refusing {
    resolved: bool,
}

impl PolicyConfig for Refuse {
    fn name(&self) -> &str {
        self.0
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Refusing { resolved: false })
    }
}

impl Policy for Refusing {
    fn on_update(&mut self, _: &PolicyUpdate<'_>, controller: &mut dyn Controller) -> Result<(), Rejected> {
        self.resolved = true;
        controller.mark_changed();
        Ok(())
    }

    fn on_resolver_error(&mut self, _: &Arc<str>, _: &mut dyn Controller) {}

    fn on_subchannel_state(&mut self, _: &SubchannelUpdate, _: &mut dyn Controller) {}

    fn state(&self) -> ConnectivityState {
        if self.resolved { TransientFailure } else { Connecting }
    }

    fn snapshot(&self, _: &mut dyn Random) -> Published {
        Published::with_picker(self.state(), Self { resolved: true })
    }
}

impl Picker for Refusing {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Fail(PickFailure::unavailable("refused by policy"))
    }
}

fn pick_first() -> PickFirstConfig {
    PickFirstConfig::default()
}

fn round_robin() -> RoundRobinConfig {
    RoundRobinConfig::default()
}

fn ready_world() -> World {
    let mut world = World::with(pick_first(), crate::world::DELAY, || 0);
    world.resolve(&["a", "b"]);
    world.connect("a");
    world
}

#[test]
fn balancer_switch_graceful() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    assert_eq!(world.dialling(), ["a", "b"], "the new policy connects for itself");
    assert_eq!(world.ask(), go("a"), "the old one serves");
    world.connect("b");
    assert_eq!(world.ask(), go("b"), "the new one is READY");
    assert_eq!(world.live_addresses(), ["a", "b"], "nothing of the old one is left");
    assert_eq!(world.states, [Connecting, Ready, Ready], "never anything but READY in between");
    world.connect("a");
    let mut seen = [world.ask(), world.ask()];
    seen.sort_by_key(|told| format!("{told:?}"));
    assert_eq!(seen, [go("a"), go("b")]);
}

#[test]
fn balancer_switch_to_one_that_fails_swaps_too() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    world.fail("a");
    assert_eq!(world.ask(), go("a"));
    world.fail("b");
    assert_eq!(world.state(), TransientFailure);
    assert!(world.connected().is_empty());
}

#[test]
fn balancer_switch_old_leaves_ready() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    world.lose("a");
    assert_eq!((world.state(), world.ask()), (Connecting, Told::Wait), "the new one's state");
    assert_eq!(world.live_addresses(), ["a", "b"]);
    world.connect("b");
    assert_eq!(world.ask(), go("b"));
}

#[test]
fn current_not_ready_pending_update() {
    let mut world = World::new(round_robin());
    world.resolve(&["a", "b"]);
    world.switch_to(pick_first());
    assert_eq!(world.dialling(), ["a"], "the old one's attempts are given up at once");
    world.connect("a");
    assert_eq!((world.ask(), world.live_addresses()), (go("a"), vec!["a"]));
}

#[test]
fn pending_replaced_by_another_pending() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    let pending = world.live_addresses().len() - 1;
    assert_eq!(pending, 2);
    world.switch_to(Refuse("x"));
    assert_eq!(world.failure(), "refused by policy", "TRANSIENT_FAILURE takes over at once");
    assert!(world.live.is_empty() && world.dialling().is_empty(), "{:?}", world.live);
}

#[test]
fn balancer_switch_back_to_the_current_policys_name_builds_it_anew() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    world.switch_to(pick_first());
    assert_eq!(world.dialling(), ["a"], "the pending round_robin is gone");
    assert_eq!(world.ask(), go("a"));
    world.connect("a");
    assert_eq!((world.ask(), world.live_addresses()), (go("a"), vec!["a"]));
}

#[test]
fn balancer_switch_same_name_updates_in_place() {
    let mut world = ready_world();
    let published = world.publications;
    world.switch_to(pick_first().shuffle_address_list(true));
    assert_eq!((world.publications, world.dialling()), (published, vec![]));
}

#[test]
fn balancer_switch_lists_go_to_the_new_one_and_wakeups_to_both() {
    let mut world = ready_world();
    world.switch_to(round_robin());
    world.resolve(&["c"]);
    assert_eq!(world.dialling(), ["c"]);
    assert_eq!(world.ask(), go("a"), "the old one serves from what it knows");
    world.fail("c");
    assert_eq!(world.state(), TransientFailure);
}

#[test]
fn balancer_switch_before_any_list_and_with_an_absent_name() {
    let mut world = World::new(round_robin());
    world.switch_to(pick_first());
    assert_eq!(world.state(), Connecting);
    world.resolve(&[]);
    world.switch_to(round_robin());
    assert_eq!(world.state(), TransientFailure);
    assert!(world.failure().contains("found no endpoints"), "{}", world.failure());
    world.resolve(&["a"]);
    world.connect("a");
    assert_eq!(world.ask(), go("a"));
}

#[test]
fn balancer_switch_from_idle_swaps_at_once_and_connects() {
    let mut world = ready_world();
    world.lose("a");
    assert_eq!(world.state(), Idle);
    world.switch_to(round_robin());
    assert_eq!((world.state(), world.dialling()), (Connecting, vec!["a", "b"]));
}

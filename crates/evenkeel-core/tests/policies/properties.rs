//! Random operations against simple invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evenkeel_core::balance::{PickFirstConfig, RoundRobinConfig};
use evenkeel_core::state::ConnectivityState::{self, Connecting, Idle, Ready, TransientFailure};
use proptest::prelude::*;

use crate::world::{Told, World};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Something that happens; a number stands for one of the attempts or connections that there are.
#[derive(Clone, Debug)]
enum Op {
    Resolve(Vec<&'static str>),
    ResolverFails,
    Connect(usize),
    Fail(usize),
    Lose(usize, bool),
    Pass(u64),
    Call,
}

/// What must hold, as far as it can be said without knowing how policies work.
#[derive(Default)]
struct Model {
    /// The addresses that the policy knows.
    listed: Vec<String>,
    absent: bool,
    /// Addresses with a failed attempt since the pass began; for `round_robin`: since they were last READY.
    failed: BTreeSet<String>,
}

fn op() -> impl Strategy<Value = Op> {
    let list = proptest::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len()).prop_shuffle();
    prop_oneof![
        2 => list.prop_map(Op::Resolve),
        1 => Just(Op::ResolverFails),
        4 => (0..8_usize).prop_map(Op::Connect),
        6 => (0..8_usize).prop_map(Op::Fail),
        4 => (0..8_usize, any::<bool>()).prop_map(|(n, served)| Op::Lose(n, served)),
        5 => prop_oneof![1..600_u64, 900..1100_u64, 1..200_000_u64].prop_map(Op::Pass),
        4 => Just(Op::Call),
    ]
}

fn nth(names: &[&str], n: usize) -> Option<String> {
    (!names.is_empty()).then(|| names[n % names.len()].to_owned())
}

/// Does it; returns the address that it was about, if it came to anything.
fn apply(world: &mut World, model: &mut Model, op: &Op) -> Option<String> {
    let is_connected = |world: &World, name: &String| world.connected().contains(&name.as_str());
    let mut about = None;
    match op {
        Op::Resolve(list) => {
            world.resolve(list);
            model.absent = list.is_empty();
            if !list.is_empty() {
                model.listed = list.iter().map(|name| (*name).to_owned()).collect();
            }
        }
        Op::ResolverFails => world.resolver_fails("SERVFAIL"),
        Op::Connect(n) => {
            about = nth(&world.dialling(), *n);
            about.iter().for_each(|name| world.connect(name));
        }
        Op::Fail(n) => {
            about = nth(&world.dialling(), *n);
            about.iter().for_each(|name| world.fail(name));
        }
        Op::Lose(n, served) => {
            about = nth(&world.connected(), *n);
            about.iter().for_each(|name| world.lose_saying(name, *served));
        }
        Op::Pass(ms) => world.pass(Duration::from_millis(*ms)),
        Op::Call => {
            world.call();
        }
    }
    if model.absent {
        model.listed.retain(|name| is_connected(world, name));
    }
    model.failed.retain(|name| model.listed.contains(name));
    about
}

/// What holds for every policy after every batch of events.
fn check_common(world: &World, model: &Model) {
    let told = world.ask();
    match world.state() {
        Ready => assert!(matches!(&told, Told::Go(address) if model.listed.contains(address)), "{told:?}"),
        Idle | Connecting => assert_eq!(told, Told::Wait),
        TransientFailure => assert!(matches!(told, Told::Fail(_)), "{told:?}"),
        ConnectivityState::Shutdown => panic!("never published"),
    }
    let live = world.live_addresses();
    let distinct: BTreeSet<&str> = live.iter().copied().collect();
    assert_eq!(distinct.len(), live.len(), "one subchannel to each address at most: {live:?}");
    assert!(live.iter().all(|address| model.listed.iter().any(|listed| listed == address)), "{live:?} leaks");
    let is_at_work =
        |address: &&str| world.dialling().contains(address) || world.connected().contains(address);
    let by_address: BTreeMap<&str, ConnectivityState> =
        world.live.values().map(|(address, state)| (address.as_str(), *state)).collect();
    for (address, state) in &by_address {
        let is_busy = matches!(state, Connecting | Ready);
        assert_eq!(is_busy, is_at_work(address), "{address} is {state} in {by_address:?}");
    }
}

/// Everything can be reached again: sooner or later the channel is READY.
fn check_recovery(world: &mut World, model: &mut Model) {
    apply(world, model, &Op::Resolve(vec!["b", "a"]));
    for _ in 0..4 {
        world.call();
        world.pass(Duration::from_secs(200));
        while let Some(name) = nth(&world.dialling(), 0) {
            world.connect(&name);
        }
    }
    assert_eq!(world.state(), Ready);
}

fn check_pick_first(world: &World, model: &Model, before: ConnectivityState) {
    check_common(world, model);
    assert!(world.connected().len() <= 1, "{:?}", world.connected());
    assert_eq!(world.state() == Ready, world.connected().len() == 1);
    if world.state() == TransientFailure && before != TransientFailure {
        let have_all_failed = model.listed.iter().all(|name| model.failed.contains(name));
        assert!(have_all_failed, "of {:?} only {:?} have failed", model.listed, model.failed);
    }
    if world.state() == Ready {
        assert_eq!(world.live.len(), 1, "the others are given up");
    }
}

fn in_backoff(world: &World) -> BTreeSet<String> {
    let failing = world.live.values().filter(|(_, state)| *state == TransientFailure);
    failing.map(|(address, _)| address.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pick_first_keeps_its_word(ops in proptest::collection::vec(op(), 1..120)) {
        let (mut world, mut model) = (World::new(PickFirstConfig::default()), Model::default());
        for op in &ops {
            let (before, seen) = (world.state(), world.states.len());
            let was_empty = model.listed.is_empty();
            let starts_pass = match op {
                Op::Resolve(list) => *list != model.listed,
                Op::Call => before == Idle,
                _ => false,
            };
            if starts_pass {
                // Who is in its backoff when the pass begins counts as failed.
                model.failed = in_backoff(&world);
            }
            let about = apply(&mut world, &mut model, op);
            if matches!(op, Op::Fail(_)) {
                model.failed.extend(about);
            }
            check_pick_first(&world, &model, before);
            let mut from = before;
            for to in &world.states[seen..] {
                let sticks = from == TransientFailure && !was_empty;
                prop_assert!(!sticks || matches!(to, TransientFailure | Ready), "{from} -> {to} after {op:?}");
                from = *to;
            }
        }
        check_recovery(&mut world, &mut model);
    }

    #[test]
    fn round_robin_keeps_its_word(ops in proptest::collection::vec(op(), 1..120)) {
        let (mut world, mut model) = (World::new(RoundRobinConfig::default()), Model::default());
        let mut resolved = false;
        for op in &ops {
            let about = apply(&mut world, &mut model, op);
            resolved |= matches!(op, Op::Resolve(_) | Op::ResolverFails);
            match (op, about) {
                (Op::Fail(_), Some(name)) => model.failed.extend(Some(name)),
                (Op::Connect(_), Some(name)) => { model.failed.remove(&name); }
                (Op::Lose(..), Some(name)) if in_backoff(&world).contains(&name) => { model.failed.insert(name); }
                _ => {}
            }
            model.failed.retain(|name| model.listed.contains(name));
            check_common(&world, &model);
            let expected = if !world.connected().is_empty() {
                Ready
            } else if !resolved || model.failed.len() < model.listed.len() {
                Connecting
            } else {
                TransientFailure
            };
            prop_assert_eq!(world.state(), expected, "after {:?}", op);
            prop_assert_eq!(world.live.len(), model.listed.len(), "every endpoint has its subchannel");
            let resting = world.live.values().filter(|(_, state)| *state == Idle).count();
            prop_assert_eq!(resting, 0, "every endpoint is kept connected");
        }
        check_recovery(&mut world, &mut model);
        let counts = (0..20).map(|_| world.ask()).fold(BTreeMap::new(), |mut counts, told| {
            *counts.entry(format!("{told:?}")).or_insert(0) += 1;
            counts
        });
        prop_assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10]);
    }

    #[test]
    fn switches_leak_nothing_and_leave_no_gap(
        ops in proptest::collection::vec((op(), 0..8_u8), 1..80),
    ) {
        let switch_to = |world: &mut World, policy| match policy {
            0 => world.switch_to(PickFirstConfig::default()),
            _ => world.switch_to(RoundRobinConfig::default()),
        };
        let (mut world, mut model) = (World::new(RoundRobinConfig::default()), Model::default());
        for (op, switch) in &ops {
            if *switch < 2 {
                let (before, seen) = (world.state(), world.states.len());
                switch_to(&mut world, *switch);
                prop_assert!(before != Ready || world.states[seen..].iter().all(|state| *state == Ready));
            }
            apply(&mut world, &mut model, op);
            if world.state() == Ready {
                prop_assert!(matches!(world.ask(), Told::Go(_)));
            }
        }
        check_recovery(&mut world, &mut model);
        for policy in [1, 0] {
            switch_to(&mut world, policy);
            check_recovery(&mut world, &mut model);
        }
        prop_assert_eq!(world.live.len(), 1, "pick_first, settled: {:?}", &world.live);
    }
}

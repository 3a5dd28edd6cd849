use super::*;
use ConnectivityState::{Connecting, Idle, Ready as IsReady, TransientFailure};
use std::collections::HashMap as Map;
use std::sync::Arc;

use crate::balance::fake::{Constant, Fake, endpoints};
use crate::balance::{PickFailure, PolicyUpdate, SubchannelId, SubchannelUpdate};
use crate::cause::{Cause, CauseKind};
use crate::endpoint::Endpoint;
use crate::state::ConnectivityState;

fn moved(
    policy: &mut Petiole<InTurn>,
    fake: &mut Fake,
    id: u32,
    from: ConnectivityState,
    to: ConnectivityState,
) {
    let cause = (to == TransientFailure).then(|| format!("subchannel {id} refused").into());
    policy.on_subchannel_state(&SubchannelUpdate { id: SubchannelId::new(id, 0), from, to, cause }, fake);
}

fn told(policy: &mut Petiole<InTurn>, fake: &mut Fake, endpoints: &[Endpoint]) {
    fake.update(policy, endpoints, &RoundRobinConfig::new());
}

fn make_ready(policy: &mut Petiole<InTurn>, fake: &mut Fake, id: u32) {
    moved(policy, fake, id, Idle, Connecting);
    moved(policy, fake, id, Connecting, IsReady);
}

fn published(policy: &Petiole<InTurn>, fake: &mut Fake) -> (ConnectivityState, Arc<dyn Picker>) {
    let Published { state, picker, .. } = fake.published(policy).expect("something changed");
    (state, picker)
}

fn picks(picker: &Arc<dyn Picker>, n: usize) -> Vec<u32> {
    let picked = (0..n).map(|_| match picker.pick(&CallInfo::new("/s/m")) {
        Pick::Go(picked) => picked.subchannel.index() as u32,
        other => panic!("{other:?}"),
    });
    picked.collect()
}

#[test]
fn every_ready_endpoint_gets_exactly_its_share() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints(0..3));
    assert_eq!(fake.connects, [0, 1, 2], "each is connected at once");
    (0..3).for_each(|id| make_ready(&mut policy, &mut fake, id));
    let (state, picker) = published(&policy, &mut fake);
    assert_eq!(state, IsReady);
    let mut counts = Map::new();
    picks(&picker, 300).into_iter().for_each(|id| *counts.entry(id).or_insert(0) += 1);
    assert_eq!(counts, Map::from([(0, 100), (1, 100), (2, 100)]));
}

#[test]
fn pickers_start_at_random_places() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints(0..4));
    (0..4).for_each(|id| make_ready(&mut policy, &mut fake, id));
    let mut first = Vec::new();
    for quarter in 0..4 {
        let published = policy.snapshot(&mut Constant(u64::MAX / 4 * quarter + 9));
        first.extend(picks(&published.picker, 1));
    }
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2, 3]);
}

#[test]
fn connecting_starts_at_a_random_endpoint() {
    let mut fake = Fake { draw: Constant(u64::MAX / 2), ..Fake::default() };
    told(&mut Petiole::new(InTurn), &mut fake, &endpoints(0..4));
    let created = endpoints([1, 2, 3, 0]).into_iter().map(|endpoint| endpoint.addresses()[0].clone());
    assert_eq!(fake.created, created.collect::<Vec<_>>());
}

#[test]
fn calls_wait_while_connecting_and_fail_once_every_endpoint_has_failed() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    assert_eq!(policy.snapshot(&mut Constant(0)).state, Connecting, "nothing resolved yet");
    told(&mut policy, &mut fake, &endpoints(0..2));
    moved(&mut policy, &mut fake, 0, Connecting, TransientFailure);
    let (state, picker) = published(&policy, &mut fake);
    assert_eq!(state, Connecting);
    assert!(matches!(picker.pick(&CallInfo::new("")), Pick::Queue));
    moved(&mut policy, &mut fake, 1, Connecting, TransientFailure);
    let (state, picker) = published(&policy, &mut fake);
    assert_eq!(state, TransientFailure);
    let Pick::Fail(failure) = picker.pick(&CallInfo::new("")) else { panic!() };
    let cause = failure.cause();
    assert!(cause.text().contains("subchannel 1 refused"), "{cause}");
    assert_eq!(fake.resolutions, 2, "each failure asks for a fresh answer");
}

#[test]
fn an_endpoint_that_failed_counts_as_failed_until_it_is_ready() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints(0..1));
    moved(&mut policy, &mut fake, 0, Connecting, TransientFailure);
    assert_eq!(published(&policy, &mut fake).0, TransientFailure);
    moved(&mut policy, &mut fake, 0, TransientFailure, Idle);
    moved(&mut policy, &mut fake, 0, Idle, Connecting);
    assert!(fake.published(&policy).is_none(), "no blinking between failing and waiting");
    moved(&mut policy, &mut fake, 0, Connecting, IsReady);
    assert_eq!(published(&policy, &mut fake).0, IsReady);
}

#[test]
fn a_lost_endpoint_is_redialled_without_a_call_and_gets_no_picks() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints(0..2));
    (0..2).for_each(|id| make_ready(&mut policy, &mut fake, id));
    fake.connects.clear();
    moved(&mut policy, &mut fake, 0, IsReady, Idle);
    assert_eq!(fake.connects, [0]);
    assert_eq!(fake.resolutions, 1);
    let (state, picker) = published(&policy, &mut fake);
    assert_eq!(state, IsReady);
    assert_eq!(picks(&picker, 4), [1, 1, 1, 1]);
}

#[test]
fn a_changed_list_keeps_who_stays_and_drops_who_leaves() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints([1, 2, 3]));
    (0..3).for_each(|id| make_ready(&mut policy, &mut fake, id));
    told(&mut policy, &mut fake, &endpoints([4, 3, 2, 2]));
    assert_eq!(fake.removed, [0], "endpoint 1 has left");
    assert_eq!(fake.created.len(), 4, "endpoint 4 is new, the others are kept, a duplicate is nothing");
    let mut picked = picks(&published(&policy, &mut fake).1, 2);
    picked.sort_unstable();
    assert_eq!(picked, [1, 2]);
}

#[test]
fn an_empty_list_fails_calls_with_the_resolvers_word() {
    let (mut policy, mut fake) = (Petiole::new(InTurn), Fake::default());
    told(&mut policy, &mut fake, &endpoints(0..1));
    make_ready(&mut policy, &mut fake, 0);
    let (config, note) = (RoundRobinConfig::new(), "NXDOMAIN".into());
    let update = PolicyUpdate { note: Some(&note), ..PolicyUpdate::new(&[], &config) };
    policy.on_update(&update, &mut fake).unwrap();
    let (state, picker) = published(&policy, &mut fake);
    assert_eq!(state, TransientFailure);
    let Pick::Fail(failure) = picker.pick(&CallInfo::new("")) else { panic!() };
    assert_eq!(failure, PickFailure::unavailable(Cause::new(CauseKind::Resolver, "NXDOMAIN")));
    assert_eq!(fake.removed, [0]);
}

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{RESOLUTION_DELAY, Verdict, Walk};
use crate::resolve::{Family, FamilyOutcome, Known};
use crate::time::Time;
use FamilyOutcome::{Failed, NoData, NxDomain};

const NAMES: [&str; 4] = ["a.ns.", "a.svc.", "a.wild.", "a."];

fn at(millis: u64) -> Time {
    Time::after_origin(Duration::from_millis(millis))
}

fn ip(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, n).into()
}

fn records(n: u8) -> FamilyOutcome<u8> {
    FamilyOutcome::Records { addresses: vec![ip(n)], ttl: Duration::from_secs(5) }
}

/// A walk of a resolver that had `winner`'s addresses last.
fn walk(winner: Option<&str>) -> Walk<u8> {
    let mut known = Known::default();
    if let Some(winner) = winner {
        known.on_found(winner, Some(vec![ip(9)]), Some(vec![]));
    }
    Walk::new(NAMES.map(str::to_owned).to_vec(), &known, RESOLUTION_DELAY)
}

fn both(walk: &mut Walk<u8>, now: u64, name: &str, outcome: FamilyOutcome<u8>) {
    walk.on_outcome(at(now), name, Family::V4, outcome.clone());
    let other = if outcome.is_positive() { NoData } else { outcome };
    walk.on_outcome(at(now), name, Family::V6, other);
}

fn winner(verdict: Option<Verdict<u8>>) -> Option<String> {
    match verdict {
        Some(Verdict::Found { name, .. }) => Some(name),
        _ => None,
    }
}

#[test]
fn names_are_asked_one_after_the_other_until_one_has_records() {
    let mut walk = walk(None);
    assert_eq!(walk.next_names(at(0)), ["a.ns."]);
    assert!(walk.next_names(at(10)).is_empty());
    both(&mut walk, 20, "a.ns.", NxDomain);
    assert_eq!(walk.next_names(at(20)), ["a.svc."]);
    both(&mut walk, 30, "a.svc.", NoData);
    assert_eq!(walk.next_names(at(30)), ["a.wild."]);
    both(&mut walk, 40, "a.wild.", records(1));
    assert!(walk.next_names(at(40)).is_empty());
    assert_eq!(winner(walk.verdict(at(40))).as_deref(), Some("a.wild."));
}

#[test]
fn a_remembered_name_does_not_shadow_those_before_it() {
    for (svc, expected) in [(records(2), "a.svc."), (NxDomain, "a.wild."), (Failed(1), "a.wild.")] {
        let mut walk = walk(Some("a.wild."));
        assert_eq!(walk.next_names(at(0)), ["a.ns.", "a.svc.", "a.wild."]);
        both(&mut walk, 1, "a.wild.", records(1));
        assert_eq!(walk.verdict(at(1)), None, "those before it are waited for");
        both(&mut walk, 2, "a.ns.", NxDomain);
        both(&mut walk, 3, "a.svc.", svc);
        assert_eq!(winner(walk.verdict(at(3))).as_deref(), Some(expected));
    }
}

#[test]
fn without_records_up_to_the_remembered_name_the_walk_goes_on() {
    let mut walk = walk(Some("a.svc."));
    assert_eq!(walk.next_names(at(0)), ["a.ns.", "a.svc."]);
    both(&mut walk, 1, "a.svc.", NxDomain);
    assert!(walk.next_names(at(1)).is_empty());
    both(&mut walk, 2, "a.ns.", NxDomain);
    assert_eq!(walk.next_names(at(2)), ["a.wild."]);
}

#[test]
fn a_silent_name_is_waited_for_one_second_once_another_has_records() {
    let mut walk = walk(Some("a.wild."));
    walk.next_names(at(0));
    both(&mut walk, 5, "a.ns.", NxDomain);
    both(&mut walk, 100, "a.wild.", records(1));
    assert_eq!((walk.verdict(at(1099)), walk.next_wakeup()), (None, Some(at(1100))));
    assert_eq!(winner(walk.verdict(at(1100))).as_deref(), Some("a.wild."));

    let mut walk = self::walk(Some("a.wild."));
    walk.next_names(at(0));
    both(&mut walk, 5, "a.ns.", NxDomain);
    both(&mut walk, 100, "a.wild.", records(1));
    walk.on_outcome(at(1090), "a.svc.", Family::V4, records(2));
    assert_eq!((walk.verdict(at(1100)), walk.next_wakeup()), (None, Some(at(1140))));
    assert_eq!(winner(walk.verdict(at(1140))).as_deref(), Some("a.svc."), "it answered just in time");
}

#[test]
fn a_silent_name_holds_the_next_one_up_for_one_second() {
    let mut walk = walk(None);
    walk.next_names(at(0));
    assert_eq!(walk.next_wakeup(), Some(at(1000)));
    assert!(walk.next_names(at(999)).is_empty());
    assert_eq!(walk.next_names(at(1000)), ["a.svc."]);
    assert_eq!(walk.next_names(at(2000)), ["a.wild."]);
    both(&mut walk, 2010, "a.svc.", NxDomain);
    both(&mut walk, 2010, "a.wild.", NxDomain);
    assert!(walk.next_names(at(2010)).is_empty(), "the first is still open");
    assert_eq!(walk.next_names(at(3000)), ["a."]);
    assert_eq!(walk.next_wakeup(), None);
    both(&mut walk, 3010, "a.", NxDomain);
    assert_eq!(walk.verdict(at(9000)), None);
    both(&mut walk, 10_000, "a.ns.", Failed(7));
    let expected = Verdict::Failed { errors: vec![7], contradicted: vec![], unanswered: vec![] };
    assert_eq!(walk.verdict(at(10_000)), Some(expected));
}

#[test]
fn an_error_does_not_end_the_walk_and_without_records_it_is_failed() {
    for (last, expected) in [(records(1), Some("a.")), (NxDomain, None)] {
        let mut walk = walk(None);
        walk.next_names(at(0));
        for (name, outcome) in [("a.ns.", NxDomain), ("a.svc.", Failed(2)), ("a.wild.", NoData), ("a.", last)]
        {
            both(&mut walk, 1, name, outcome);
            walk.next_names(at(1));
        }
        let verdict = walk.verdict(at(1));
        if expected.is_none() {
            let failed = Verdict::Failed { errors: vec![2], contradicted: vec![], unanswered: vec![] };
            assert_eq!(verdict, Some(failed));
        } else {
            assert_eq!(winner(verdict).as_deref(), expected);
        }
    }
}

#[test]
fn nothing_anywhere_is_absent_and_so_is_no_name_at_all() {
    let mut walk = walk(None);
    walk.next_names(at(0));
    for name in NAMES {
        both(&mut walk, 1, name, NxDomain);
        walk.next_names(at(1));
    }
    assert_eq!(walk.verdict(at(1)), Some(Verdict::Absent(NAMES.map(str::to_owned).to_vec())));
    let mut none = Walk::<u8>::new(vec![], &Known::default(), RESOLUTION_DELAY);
    assert!(none.next_names(at(0)).is_empty() && none.next_wakeup().is_none());
    assert_eq!(none.verdict(at(0)), Some(Verdict::Absent(vec![])));
}

#[test]
fn an_answer_that_contradicts_what_was_just_there_is_failed() {
    let mut walk = walk(Some("a.ns."));
    walk.next_names(at(0));
    walk.on_outcome(at(1), "a.ns.", Family::V4, NoData);
    walk.on_outcome(at(1), "a.ns.", Family::V6, NxDomain);
    for name in ["a.svc.", "a.wild.", "a."] {
        walk.next_names(at(1));
        both(&mut walk, 1, name, NxDomain);
    }
    let expected =
        Verdict::Failed { errors: vec![], contradicted: vec!["a.ns.".to_owned()], unanswered: vec![] };
    assert_eq!(walk.verdict(at(1)), Some(expected));
}

#[test]
fn a_family_that_is_not_answered_is_waited_for_a_moment_only() {
    for (family, open) in [(Family::V4, Family::V6), (Family::V6, Family::V4)] {
        let mut walk = walk(None);
        walk.next_names(at(0));
        walk.on_outcome(at(10), "a.ns.", family, records(1));
        assert_eq!((walk.verdict(at(59)), walk.next_wakeup()), (None, Some(at(60))));
        let Some(Verdict::Found { open: found, records, .. }) = walk.verdict(at(60)) else { panic!() };
        assert_eq!((found, records.ttl), (Some(open), Duration::from_secs(5)));
    }
}

fn half(walk: &mut Walk<u8>, now: u64, name: &str, outcome: FamilyOutcome<u8>) {
    walk.on_outcome(at(now), name, Family::V4, outcome);
}

#[test]
fn with_one_type_dropped_the_next_name_is_asked_for_soon_after_the_others_answer() {
    for (outcome, next) in [(NxDomain, 60), (NoData, 60), (Failed(1), 1000)] {
        let mut walk = walk(None);
        walk.next_names(at(0));
        half(&mut walk, 10, "a.ns.", outcome.clone());
        assert_eq!(walk.next_wakeup(), Some(at(next)), "{outcome:?}");
        assert!(walk.next_names(at(next - 1)).is_empty());
        assert_eq!(walk.next_names(at(next)), ["a.svc."], "{outcome:?}");
        // One that is open wholly is waited for, whatever stands before it.
        assert_eq!(walk.next_wakeup(), Some(at(next + 1000)));
    }
}

#[test]
fn a_name_that_does_not_exist_by_one_type_is_not_waited_for_and_one_without_a_record_is() {
    for (outcome, end) in [(NxDomain, 150), (NoData, 1120), (Failed(1), 1120)] {
        let mut walk = walk(Some("a.svc."));
        walk.next_names(at(0));
        half(&mut walk, 100, "a.ns.", outcome.clone());
        both(&mut walk, 120, "a.svc.", records(1));
        assert_eq!((walk.verdict(at(end - 1)), walk.next_wakeup()), (None, Some(at(end))), "{outcome:?}");
        assert_eq!(winner(walk.verdict(at(end))).as_deref(), Some("a.svc."), "{outcome:?}");
    }
}

#[test]
fn the_other_type_may_still_have_records_while_the_walk_runs() {
    let mut walk = walk(None);
    walk.next_names(at(0));
    half(&mut walk, 10, "a.ns.", NxDomain);
    assert_eq!(walk.next_names(at(60)), ["a.svc."]);
    walk.on_outcome(at(90), "a.ns.", Family::V6, records(1));
    assert_eq!(winner(walk.verdict(at(90))).as_deref(), Some("a.ns."));
}

#[test]
fn without_records_a_type_that_is_never_answered_is_waited_for_one_second() {
    let mut walk = walk(Some("a."));
    walk.next_names(at(0));
    half(&mut walk, 10, "a.ns.", NxDomain);
    half(&mut walk, 20, "a.svc.", Failed(3));
    both(&mut walk, 30, "a.wild.", NxDomain);
    assert_eq!((walk.verdict(at(5000)), walk.next_wakeup()), (None, None), "one has no answer at all");
    walk.on_outcome(at(5000), "a.", Family::V6, NoData);
    assert_eq!((walk.verdict(at(5999)), walk.next_wakeup()), (None, Some(at(6000))));
    let open = [("a.ns.", Family::V6), ("a.svc.", Family::V6), ("a.", Family::V4)];
    let unanswered = open.map(|(name, family)| (name.to_owned(), family)).to_vec();
    let expected = Verdict::Failed { errors: vec![3], contradicted: vec![], unanswered };
    assert_eq!(walk.verdict(at(6000)), Some(expected));
}

#[test]
fn a_type_that_is_not_asked_for_is_no_answer() {
    let mut walk = walk(None);
    for (now, name) in [(0, "a.ns."), (1000, "a.svc."), (2000, "a.wild."), (3000, "a.")] {
        assert_eq!(walk.next_names(at(now)), [name]);
        walk.on_left_out(name, Family::V6);
        assert!(walk.next_names(at(now + 999)).is_empty());
    }
    assert_eq!((walk.verdict(at(9000)), walk.next_wakeup()), (None, None));
    for name in NAMES {
        half(&mut walk, 9000, name, NxDomain);
    }
    assert!(matches!(walk.verdict(at(9000)), Some(Verdict::Absent(_))));
}

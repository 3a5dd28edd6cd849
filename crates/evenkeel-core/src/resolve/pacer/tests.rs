use std::time::Duration;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};

use super::{Pacer, RefreshMode, Urgency};
use crate::time::Time;

fn at(seconds: f64) -> Time {
    Time::after_origin(Duration::from_secs_f64(seconds))
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Draws nothing but zero: no jitter, no delay.
fn none() -> impl FnMut() -> u64 {
    || 0
}

/// Draws the most there is.
fn most() -> impl FnMut() -> u64 {
    || u64::MAX
}

fn seconds(time: Option<Time>) -> f64 {
    time.unwrap().since_origin().as_secs_f64()
}

/// A pacer with an unchanged answer behind it, at second 0.
fn answered(mode: RefreshMode, ttl: f64) -> Pacer {
    let mut pacer = Pacer::new(mode, at(0.0));
    pacer.on_lookup_started();
    pacer.on_answer(at(0.0), true, Some(secs(ttl)), &mut none());
    pacer
}

#[test]
fn the_first_lookup_is_due_at_once_and_there_is_one_at_a_time() {
    let mut pacer = Pacer::new(RefreshMode::Ttl, at(7.0));
    assert_eq!(pacer.next_lookup(), Some(at(7.0)));
    pacer.on_lookup_started();
    assert_eq!(pacer.next_lookup(), None);
}

#[test]
fn the_interval_is_the_remaining_ttl_within_bounds_and_jitter_only_adds() {
    let every = |s| RefreshMode::Every(secs(s));
    let table = [
        (RefreshMode::Ttl, Some(10.0), 10.0),
        (RefreshMode::Ttl, Some(0.0), 5.0),
        (RefreshMode::Ttl, Some(0.5), 1.0),
        (RefreshMode::Ttl, Some(300.0), 30.0),
        (RefreshMode::Ttl, None, 30.0),
        (every(7.0), Some(1.0), 7.0),
        (every(0.0), Some(9.0), 1.0),
    ];
    for (mode, ttl, expected) in table {
        let mut pacer = Pacer::new(mode, at(0.0));
        pacer.on_lookup_started();
        pacer.on_answer(at(2.0), true, ttl.map(secs), &mut none());
        assert_eq!(pacer.next_lookup(), Some(at(2.0 + expected)), "{mode:?} {ttl:?}");
        assert_eq!(pacer.interval(), Some(secs(expected)));
        pacer.on_lookup_started();
        pacer.on_answer(at(2.0), true, ttl.map(secs), &mut most());
        let due = seconds(pacer.next_lookup());
        assert!((due - 2.0 - expected * 1.15).abs() < 1e-6, "{mode:?} {ttl:?} {due}");
    }
    let pacer = answered(RefreshMode::Disconnect { floor: secs(30.0) }, 1.0);
    assert_eq!((pacer.next_lookup(), pacer.interval()), (None, None));
}

#[test]
fn an_urgent_request_waits_for_the_floor_only_and_a_calm_one_up_to_a_second_more() {
    let table = [
        // asked at, how, due with no delay drawn, due with the longest
        (0.2, Urgency::Urgent, 1.0, 1.0),
        (0.2, Urgency::Calm, 1.0, 2.0),
        (5.0, Urgency::Urgent, 5.0, 5.0),
        (5.0, Urgency::Calm, 5.0, 6.0),
    ];
    for (asked, urgency, least, longest) in table {
        for (random, due) in [(0, least), (u64::MAX, longest)] {
            let mut pacer = answered(RefreshMode::Ttl, 30.0);
            pacer.on_request(at(asked), urgency, &mut || random);
            assert!((seconds(pacer.next_lookup()) - due).abs() < 1e-6, "{asked} {urgency:?} {random}");
        }
    }
}

#[test]
fn requests_coalesce_and_an_urgent_one_hurries_a_calm_one() {
    let mut pacer = answered(RefreshMode::Ttl, 30.0);
    pacer.on_request(at(5.0), Urgency::Calm, &mut most());
    let due = pacer.next_lookup();
    for _ in 0..100 {
        pacer.on_request(at(5.1), Urgency::Calm, &mut none());
    }
    assert_eq!(pacer.next_lookup(), due);
    pacer.on_request(at(5.2), Urgency::Urgent, &mut none());
    assert_eq!(pacer.next_lookup(), Some(at(5.2)));
    pacer.on_lookup_started();
    pacer.on_answer(at(5.3), false, Some(secs(30.0)), &mut none());
    assert_eq!(pacer.next_lookup(), Some(at(35.3)), "all of them are served");
}

#[test]
fn a_request_during_a_lookup_makes_one_more() {
    let mut pacer = Pacer::new(RefreshMode::Ttl, at(0.0));
    pacer.on_lookup_started();
    pacer.on_request(at(0.1), Urgency::Calm, &mut none());
    pacer.on_request(at(0.1), Urgency::Urgent, &mut none());
    assert_eq!(pacer.next_lookup(), None);
    pacer.on_answer(at(0.2), true, Some(secs(30.0)), &mut none());
    assert_eq!(seconds(pacer.next_lookup()), 1.2);
}

/// Serves the pending request with an answer, at once, and says when that was.
fn serve(pacer: &mut Pacer, changed: bool) -> f64 {
    let due = pacer.next_lookup().unwrap();
    pacer.on_lookup_started();
    pacer.on_answer(due, changed, Some(secs(30.0)), &mut none());
    seconds(Some(due))
}

#[test]
fn requests_that_find_nothing_new_are_spaced_and_a_change_or_quiet_resets_that() {
    for urgency in [Urgency::Calm, Urgency::Urgent] {
        let mut pacer = answered(RefreshMode::Every(secs(1e6)), 30.0);
        let mut last = 0.0;
        let mut gaps = Vec::new();
        for _ in 0..10 {
            pacer.on_request(at(last), urgency, &mut none());
            let due = serve(&mut pacer, false);
            gaps.push(due - last);
            last = due;
        }
        for (i, gap) in gaps.iter().enumerate() {
            assert!((gap - 1.6_f64.powi(i as i32).min(30.0)).abs() < 1e-6, "{gaps:?}");
        }
        pacer.on_request(at(last), urgency, &mut none());
        last = serve(&mut pacer, true);
        pacer.on_request(at(last), urgency, &mut none());
        assert!((serve(&mut pacer, false) - last - 1.0).abs() < 1e-6, "a change resets");
        let quiet = last + 40.0;
        pacer.on_request(at(quiet), urgency, &mut none());
        last = serve(&mut pacer, false);
        pacer.on_request(at(last), urgency, &mut none());
        assert!((serve(&mut pacer, false) - last - 1.6).abs() < 1e-6, "quiet resets");
    }
}

#[test]
fn the_first_urgent_request_does_not_wait_for_the_calm_ones_spacing() {
    let mut pacer = answered(RefreshMode::Every(secs(1e6)), 30.0);
    let mut last = 0.0;
    for _ in 0..10 {
        pacer.on_request(at(last), Urgency::Calm, &mut none());
        last = serve(&mut pacer, false);
    }
    pacer.on_request(at(last + 3.0), Urgency::Urgent, &mut none());
    assert_eq!(pacer.next_lookup(), Some(at(last + 3.0)));
}

#[test]
fn the_disconnect_floor_is_flat() {
    let mut pacer = answered(RefreshMode::Disconnect { floor: secs(4.0) }, 1.0);
    let mut last = 0.0;
    for _ in 0..5 {
        pacer.on_request(at(last), Urgency::Urgent, &mut none());
        let due = serve(&mut pacer, false);
        assert_eq!(due - last, 4.0);
        last = due;
    }
}

#[test]
fn errors_are_retried_at_growing_distances_that_requests_do_not_cut_short() {
    for mode in [RefreshMode::Ttl, RefreshMode::Disconnect { floor: secs(30.0) }] {
        let mut pacer = Pacer::new(mode, at(0.0));
        let mut now = 0.0;
        for i in 0..10 {
            pacer.on_lookup_started();
            pacer.on_request(at(now), Urgency::Urgent, &mut none());
            pacer.on_failure(at(now), &mut none());
            pacer.on_request(at(now), Urgency::Urgent, &mut none());
            let due = seconds(pacer.next_lookup());
            assert!((due - now - 1.6_f64.powi(i).min(30.0)).abs() < 1e-6, "{mode:?} {i}");
            assert!((pacer.interval().unwrap().as_secs_f64() - (due - now)).abs() < 1e-6);
            now = due;
        }
        pacer.on_lookup_started();
        pacer.on_answer(at(now), true, Some(secs(10.0)), &mut none());
        pacer.on_request(at(now + 5.0), Urgency::Urgent, &mut none());
        let due = seconds(pacer.next_lookup());
        assert!(mode != RefreshMode::Ttl || (due - now - 5.0).abs() < 1e-6, "a good answer ends it");
        pacer.on_lookup_started();
        pacer.on_failure(at(due), &mut most());
        assert!((seconds(pacer.next_lookup()) - due - 1.15).abs() < 1e-6, "and the next error starts anew");
    }
}

/// Calls wait for the answer, and the channel paces its requests itself.
#[test]
fn a_request_that_cannot_wait_is_served_at_once_and_makes_nothing_grow() {
    let mut pacer = answered(RefreshMode::Ttl, 30.0);
    for tenth in 1..10 {
        let now = at(f64::from(tenth) / 10.0);
        pacer.on_request(now, Urgency::Calm, &mut most());
        pacer.on_request(now, Urgency::AtOnce, &mut none());
        assert_eq!(pacer.next_lookup(), Some(now));
        pacer.on_lookup_started();
        match tenth % 2 {
            0 => pacer.on_answer(now, false, Some(secs(30.0)), &mut none()),
            _ => pacer.on_failure(now, &mut none()),
        }
    }
    assert_eq!(pacer.interval(), Some(secs(1.0)), "the retry after an error");
    pacer.on_lookup_started();
    pacer.on_answer(at(1.9), false, Some(secs(30.0)), &mut none());
    pacer.on_request(at(1.9), Urgency::Urgent, &mut none());
    assert_eq!(seconds(pacer.next_lookup()), 2.9, "the spacing of others");

    let mut with_floor = answered(RefreshMode::Disconnect { floor: secs(4.0) }, 1.0);
    with_floor.on_request(at(0.1), Urgency::AtOnce, &mut none());
    assert_eq!(with_floor.next_lookup(), Some(at(4.0)), "the program chose that");
}

#[test]
fn a_late_answer_makes_the_next_lookup_sooner_never_later() {
    for (ttl, expected) in [(3.0, 5.0), (9.0, 10.0), (300.0, 10.0)] {
        let mut pacer = answered(RefreshMode::Ttl, 10.0);
        pacer.on_late_answer(at(2.0), true, secs(ttl), &mut none());
        assert_eq!(seconds(pacer.next_lookup()), expected, "{ttl}");
        assert_eq!(pacer.due_in(at(2.0)), Some(secs(expected - 2.0)));
    }
    let mut pacer = answered(RefreshMode::Ttl, 1.0);
    pacer.on_lookup_started();
    pacer.on_late_answer(at(2.0), true, secs(1.0), &mut none());
    assert_eq!((pacer.next_lookup(), pacer.due_in(at(2.0))), (None, None));
    let mut pacer = answered(RefreshMode::Disconnect { floor: secs(30.0) }, 1.0);
    pacer.on_late_answer(at(2.0), true, secs(1.0), &mut none());
    assert_eq!(pacer.next_lookup(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, lookups keep their distance, and in a mode that polls one is always to come.
    #[test]
    fn lookups_are_never_closer_than_the_floor(
        steps in prop::collection::vec((0..6_u8, 0..3000_u64, any::<u64>()), 1..200),
        polls in any::<bool>(),
    ) {
        let mode =
            if polls { RefreshMode::Ttl } else { RefreshMode::Disconnect { floor: secs(2.0) } };
        let floor = secs(if polls { 1.0 } else { 2.0 });
        let mut pacer = Pacer::new(mode, Time::ORIGIN);
        let (mut now, mut ended, mut in_flight, mut failed) = (Time::ORIGIN, None, false, false);
        for (step, wait, random) in steps {
            now = now + Duration::from_millis(wait);
            let mut random = || random;
            match step {
                0 | 1 if !in_flight && pacer.next_lookup().is_some_and(|due| due <= now) => {
                    if let Some(ended) = ended {
                        let least = if failed { secs(1.0) } else { floor };
                        prop_assert!(now.since(ended) >= least);
                    }
                    pacer.on_lookup_started();
                    in_flight = true;
                }
                2 | 3 if in_flight => {
                    failed = step == 3;
                    if failed {
                        pacer.on_failure(now, &mut random);
                    } else {
                        pacer.on_answer(now, wait % 2 == 0, Some(Duration::from_secs(wait % 40)), &mut random);
                    }
                    (in_flight, ended) = (false, Some(now));
                }
                4 => pacer.on_request(now, Urgency::Urgent, &mut random),
                5 => pacer.on_request(now, Urgency::Calm, &mut random),
                _ => {}
            }
            prop_assert!(in_flight == (pacer.next_lookup().is_none()) || !polls);
        }
    }
}

#[test]
fn what_is_rejected_is_looked_up_again_ever_later_until_it_is_accepted() {
    let mut pacer = Pacer::new(RefreshMode::Disconnect { floor: secs(30.0) }, at(0.0));
    let look = |pacer: &mut Pacer, now: f64| {
        pacer.on_lookup_started();
        pacer.on_answer(at(now), false, Some(secs(5.0)), &mut none());
    };
    let mut delays = Vec::new();
    for round in 0..4 {
        if round == 3 {
            pacer.on_accepted();
        }
        look(&mut pacer, 100.0);
        assert_eq!(pacer.next_lookup(), None, "of its own accord this mode does not look again");
        pacer.on_rejected(at(100.0), &mut none());
        delays.push((seconds(pacer.next_lookup()) * 100.0).round() - 10_000.0);
    }
    assert_eq!(delays, [100.0, 160.0, 256.0, 100.0], "hundredths of a second");
    let mut pacer = Pacer::new(RefreshMode::Ttl, at(0.0));
    for _ in 0..9 {
        look(&mut pacer, 0.0);
        pacer.on_rejected(at(0.0), &mut none());
    }
    assert_eq!(seconds(pacer.next_lookup()), 5.0, "the TTL ends sooner");
}

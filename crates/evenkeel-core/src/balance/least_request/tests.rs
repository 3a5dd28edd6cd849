use super::*;
use std::time::Duration;

use crate::balance::SubchannelId;
use crate::code::Code;

struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = next_draw(self.0);
        self.0
    }
}

fn picker(endpoints: u32, choice_count: u32) -> LeastRequestPicker {
    let ready = |n| Ready { subchannel: SubchannelId::new(n, 0), shared: Arc::default() };
    LeastRequestPicker { ready: (0..endpoints).map(ready).collect(), choice_count }
}

fn pick(picker: &LeastRequestPicker, random: u64) -> (usize, Track) {
    let call = CallInfo { random, ..CallInfo::new("/s/m") };
    match picker.pick(&call) {
        Pick::Go(picked) => (picked.subchannel.index(), picked.track.expect("it wants to hear")),
        other => panic!("{other:?}"),
    }
}

fn in_flight(picker: &LeastRequestPicker, index: usize) -> usize {
    picker.ready.get(index).unwrap().shared.0.load(Ordering::Relaxed)
}

/// Check 19 of the gRPC rules: drawn with replacement, so that a quarter of all pairs is twice the stuck one.
#[test]
fn one_that_is_stuck_gets_only_the_calls_that_had_no_choice() {
    let (picker, mut draws) = (picker(2, 2), Draws(7));
    let stuck: Vec<Track> = (0..64)
        .map(|_| pick(&picker, draws.next()))
        .filter(|(n, _)| *n == 0)
        .map(|(_, track)| track)
        .collect();
    assert!(!stuck.is_empty() && in_flight(&picker, 1) == 0);
    let mut to_stuck = Vec::new();
    for _ in 0..4_000 {
        let (index, track) = pick(&picker, draws.next());
        if index == 0 {
            to_stuck.push(track);
        } else {
            track.end(&Outcome::new(Code::Ok, true, Duration::ZERO));
        }
    }
    assert!((880..1_120).contains(&to_stuck.len()), "{} of 4,000 is not a quarter", to_stuck.len());
}

#[test]
fn of_several_with_as_few_calls_the_first_drawn_is_taken() {
    let (picker, mut draws) = (picker(10, 10), Draws(1));
    for _ in 0..200 {
        let random = draws.next();
        assert_eq!(pick(&picker, random).0, index(&mut || random, 10));
    }
}

#[test]
fn whatever_ends_a_call_it_is_not_in_flight_any_more() {
    let picker = picker(1, 2);
    let tracks: Vec<Track> = (0..4).map(|n| pick(&picker, n).1).collect();
    assert_eq!(in_flight(&picker, 0), 4);
    let ends =
        [Code::Ok, Code::Cancelled, Code::Unavailable].map(|code| Outcome::new(code, true, Duration::ZERO));
    for (track, outcome) in tracks.into_iter().zip(ends.iter().map(Some).chain([None])) {
        match outcome {
            Some(outcome) => track.end(outcome),
            None => drop(track),
        }
    }
    assert_eq!(in_flight(&picker, 0), 0);
}

#[test]
fn the_number_of_choices_is_held_to_what_makes_sense() {
    for (asked, held) in [(0, 2), (1, 2), (2, 2), (7, 7), (10, 10), (11, 10), (u32::MAX, 10)] {
        assert_eq!(LeastRequestConfig::new().choice_count(asked).choice_count, held);
    }
    let mut spread = ByCalls(LeastRequestConfig::new());
    assert!(!spread.on_config(&LeastRequestConfig::new()), "nothing new");
    assert!(spread.on_config(&LeastRequestConfig::new().choice_count(3)));
}

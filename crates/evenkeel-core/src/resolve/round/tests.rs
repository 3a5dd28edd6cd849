use std::net::SocketAddr;
use std::time::Duration;

use super::{Round, RoundEnd};
use crate::resolve::{Family, Servers};
use crate::time::Time;

fn at(millis: u64) -> Time {
    Time::after_origin(Duration::from_millis(millis))
}

fn server(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n], 53))
}

fn round(known: &Servers) -> Round<u8> {
    Round::new(at(0), &[1, 2, 3].map(server), known, Family::V4)
}

fn one_behind() -> Servers {
    let mut known = Servers::default();
    known.on_silence(at(0), server(1), Family::V4, at(0));
    known
}

fn next(round: &mut Round<u8>, now: u64) -> Option<u8> {
    let next = round.next(at(now))?;
    (1..=3).find(|n| server(*n) == next)
}

#[test]
fn the_next_server_is_asked_after_a_failure_or_a_second_of_silence() {
    let mut round = round(&Servers::default());
    assert_eq!((next(&mut round, 0), next(&mut round, 0)), (Some(1), None));
    assert_eq!((next(&mut round, 999), round.next_wakeup()), (None, Some(at(1000))));
    assert_eq!((next(&mut round, 1000), next(&mut round, 1000)), (Some(2), None));
    round.on_failed(server(2));
    assert_eq!((next(&mut round, 1010), next(&mut round, 1010)), (Some(3), None));
    assert_eq!(round.next_wakeup(), None);
    round.on_failed(server(3));
    assert_eq!(round.end(at(1020)), None, "the first one is still open");
    assert_eq!(round.silent(at(1020)).collect::<Vec<_>>(), [(server(1), at(0))]);
    round.on_failed(server(1));
    assert_eq!((next(&mut round, 5000), round.end(at(5000))), (None, Some(RoundEnd::Failed)));
}

#[test]
fn a_negative_answer_is_held_until_those_before_have_answered_or_failed() {
    for is_failed in [false, true] {
        let mut round = round(&Servers::default());
        next(&mut round, 0);
        next(&mut round, 1000);
        next(&mut round, 2000);
        round.on_negative(server(3), 3);
        assert_eq!((round.end(at(2010)), round.next_wakeup()), (None, None));
        round.on_negative(server(2), 2);
        assert_eq!(round.end(at(4990)), None, "however long the first one takes");
        match is_failed {
            true => round.on_failed(server(1)),
            false => round.on_negative(server(1), 1),
        }
        let winner = if is_failed { 2 } else { 1 };
        assert_eq!(round.end(at(5000)), Some(RoundEnd::Negative(winner)));
    }
}

#[test]
fn a_negative_answer_asks_nobody_after_it() {
    let mut round = round(&Servers::default());
    next(&mut round, 0);
    next(&mut round, 1000);
    round.on_negative(server(2), 2);
    assert_eq!(next(&mut round, 9000), None);
}

#[test]
fn who_is_behind_is_asked_at_once_beside_a_negative_answer_and_waited_for_for_a_second() {
    let mut round = round(&one_behind());
    assert_eq!(next(&mut round, 0), Some(2));
    round.on_negative(server(2), 2);
    assert_eq!(round.end(at(10)), None);
    assert_eq!((next(&mut round, 10), next(&mut round, 10)), (Some(1), None));
    assert_eq!((round.end(at(1009)), round.next_wakeup()), (None, Some(at(1010))));
    assert_eq!(round.silent(at(1010)).collect::<Vec<_>>(), [(server(1), at(10))]);
    assert_eq!(round.end(at(1010)), Some(RoundEnd::Negative(2)));
}

#[test]
fn beside_one_that_is_waited_for_anyway_the_patience_for_another_wakes_nobody() {
    let mut round = round(&one_behind());
    assert_eq!(next(&mut round, 0), Some(2));
    assert_eq!((next(&mut round, 1000), next(&mut round, 2000)), (Some(3), Some(1)));
    round.on_negative(server(3), 3);
    assert_eq!((round.end(at(4000)), round.next_wakeup()), (None, None));
    round.on_failed(server(2));
    assert_eq!(round.end(at(4010)), Some(RoundEnd::Negative(3)));
}

#[test]
fn who_was_given_up_is_not_waited_for() {
    let mut known = one_behind();
    known.on_given_up(at(0), server(1), Family::V4, at(0));
    let mut round = round(&known);
    assert_eq!(next(&mut round, 0), Some(2));
    round.on_negative(server(2), 2);
    assert_eq!((next(&mut round, 10), round.end(at(10))), (None, Some(RoundEnd::Negative(2))));
    // Asked in its turn, it is not waited for either.
    let mut round = self::round(&known);
    assert_eq!((next(&mut round, 0), next(&mut round, 1000)), (Some(2), Some(3)));
    assert_eq!(next(&mut round, 2000), Some(1));
    round.on_negative(server(3), 3);
    assert_eq!(round.end(at(2010)), None, "the second one is");
    round.on_failed(server(2));
    assert_eq!(round.end(at(2020)), Some(RoundEnd::Negative(3)));
}

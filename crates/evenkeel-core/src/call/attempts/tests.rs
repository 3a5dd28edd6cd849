use super::*;
use crate::call::{RetryPolicy, RetryThrottling};

const UNAVAILABLE: Ended = Ended::Status { code: Code::Unavailable, pushback: Pushback::None };

fn middle() -> impl Random {
    || u64::MAX / 2
}

fn transparent(attempts: &mut Attempts, ended: Ended, replayable: bool) -> Next {
    attempts.on_ended(ended, replayable, None, &mut middle())
}

fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy::new(
        attempts,
        Duration::from_millis(100),
        Duration::from_millis(300),
        2.0,
        [Code::Unavailable],
    )
    .unwrap()
}

fn of(policy: RetryPolicy) -> Retry {
    Retry { policy, throttling: None }
}

/// What follows failures of this kind, in milliseconds, until the call is given up.
fn waits(retry: &Retry, ended: impl Fn(usize) -> Ended) -> Vec<u128> {
    let mut attempts = Attempts::default();
    let next = |n| match attempts.on_ended(ended(n), true, Some(retry), &mut middle()) {
        Next::GiveUp => None,
        Next::Now => Some(0),
        Next::After(wait) => Some((wait.as_secs_f64() * 1000.0).round() as u128),
    };
    (0..20).map_while(next).collect()
}

#[test]
fn what_never_left_is_retried_without_limit() {
    let mut attempts = Attempts::default();
    for _ in 0..100 {
        assert_eq!(transparent(&mut attempts, Ended::NeverSent, true), Next::Now);
    }
}

#[test]
fn what_ageing_connections_left_behind_is_retried_without_limit() {
    let mut attempts = Attempts::default();
    for _ in 0..100 {
        assert_eq!(transparent(&mut attempts, Ended::LeftBehind, true), Next::Now);
    }
    assert_eq!(transparent(&mut attempts, Ended::LeftBehind, false), Next::GiveUp);
}

#[test]
fn a_refusal_is_retried_once() {
    let mut attempts = Attempts::default();
    assert_eq!(transparent(&mut attempts, Ended::Refused, true), Next::Now);
    assert_eq!(transparent(&mut attempts, Ended::NeverSent, true), Next::Now);
    assert_eq!(transparent(&mut attempts, Ended::Refused, true), Next::GiveUp);
}

#[test]
fn what_may_have_been_processed_is_not_retried_without_a_policy() {
    assert_eq!(transparent(&mut Attempts::default(), UNAVAILABLE, true), Next::GiveUp);
}

#[test]
fn a_request_that_is_no_longer_whole_is_never_retried() {
    let retry = of(policy(5));
    for ended in [Ended::NeverSent, Ended::Refused, Ended::LeftBehind, UNAVAILABLE] {
        assert_eq!(
            Attempts::default().on_ended(ended, false, Some(&retry), &mut middle()),
            Next::GiveUp,
            "{ended:?}"
        );
    }
}

#[test]
fn a_policy_retries_with_backoff_until_its_attempts_are_made() {
    assert_eq!(waits(&of(policy(5)), |_| UNAVAILABLE), [100, 200, 300, 300]);
    assert_eq!(waits(&of(policy(2)), |_| UNAVAILABLE), [100]);
    assert_eq!(waits(&of(policy(99)), |_| UNAVAILABLE).len(), 4, "more than 5 attempts are 5");
}

#[test]
fn a_policy_retries_what_it_names_and_nothing_else() {
    let retry = of(policy(5));
    for number in 0..17 {
        let code = Code::from_number(number);
        let ended = Ended::Status { code, pushback: Pushback::None };
        let retried = Attempts::default().on_ended(ended, true, Some(&retry), &mut middle()) != Next::GiveUp;
        assert_eq!(retried, code == Code::Unavailable, "{code:?}");
    }
}

#[test]
fn unseen_retries_do_not_count_and_a_second_refusal_is_for_the_policy() {
    let mut attempts = Attempts::default();
    let retry = of(policy(2));
    let mut next = |ended| attempts.on_ended(ended, true, Some(&retry), &mut middle());
    assert_eq!(next(Ended::NeverSent), Next::Now);
    assert_eq!(next(Ended::Refused), Next::Now);
    assert_eq!(next(Ended::Refused), Next::After(Duration::from_millis(100)));
    assert_eq!(next(Ended::LeftBehind), Next::Now);
    assert_eq!(next(Ended::Refused), Next::GiveUp);
    assert_eq!(attempts.retries(), 1);
}

#[test]
fn a_server_says_when_or_that_there_shall_be_none() {
    let says = |pushback| Ended::Status { code: Code::Unavailable, pushback };
    let after = |millis| says(Pushback::After(Duration::from_millis(millis)));
    assert_eq!(waits(&of(policy(5)), |n| if n == 1 { after(7) } else { UNAVAILABLE }), [100, 7, 100, 200]);
    assert_eq!(waits(&of(policy(3)), |_| after(0)), [0, 0]);
    assert_eq!(waits(&of(policy(5)), |_| says(Pushback::Never)), [] as [u128; 0]);
}

#[test]
fn throttling_stops_retries_at_half_and_successes_bring_them_back() {
    let throttling = RetryThrottling::new(4, 0.5).unwrap();
    let retry = Retry { policy: policy(2), throttling: Some(throttling.clone()) };
    let fails = || waits(&retry, |_| UNAVAILABLE).len();
    // 4 → 3: retried. The retry fails as well: 2, which is half.
    assert_eq!(fails(), 1);
    assert_eq!(fails(), 0);
    // 1: five successes make it 3.5, and one failure less than that is above half.
    for _ in 0..5 {
        throttling.on_success();
    }
    assert_eq!(fails(), 1);
}

#[test]
fn a_server_that_wants_no_retries_costs_a_token_and_other_failures_none() {
    let throttling = RetryThrottling::new(4, 1.0).unwrap();
    let retry = Retry { policy: policy(2), throttling: Some(throttling) };
    for code in [Code::Internal, Code::NotFound, Code::Internal] {
        let none = waits(&retry, |_| Ended::Status { code, pushback: Pushback::None });
        assert_eq!(none.len(), 0);
    }
    let never = Ended::Status { code: Code::Internal, pushback: Pushback::Never };
    assert_eq!(waits(&retry, |_| never).len(), 0);
    assert_eq!(waits(&retry, |_| UNAVAILABLE).len(), 0, "three tokens less one are half of four");
}

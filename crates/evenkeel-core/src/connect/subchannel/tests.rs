use super::*;
use ConnectivityState::{Connecting, Idle, Ready, Shutdown, TransientFailure};

const SETTINGS: Settings = Settings { backoff: Backoff::new(), connect_timeout: Duration::from_secs(20) };

const EVENTS: [Event; 7] = [
    Event::ConnectRequested,
    Event::Connected,
    Event::AttemptFailed,
    Event::Retired { served: true },
    Event::Retired { served: false },
    Event::BackoffEnded,
    Event::Shutdown,
];

fn at(seconds: f64) -> Time {
    Time::after_origin(Duration::from_secs_f64(seconds))
}

fn middle() -> impl Random {
    || u64::MAX / 2
}

fn feed(subchannel: &mut Subchannel, event: Event, now: Time) -> ConnectivityState {
    subchannel.on_event(event, now, &SETTINGS, &mut middle());
    subchannel.state()
}

/// A subchannel in `state`, entered by its ordinary way at time zero.
fn in_state(state: ConnectivityState) -> Subchannel {
    let mut subchannel = Subchannel::new();
    let events: &[Event] = match state {
        Idle => &[],
        Connecting => &[Event::ConnectRequested],
        Ready => &[Event::ConnectRequested, Event::Connected],
        TransientFailure => &[Event::ConnectRequested, Event::AttemptFailed],
        Shutdown => &[Event::Shutdown],
    };
    for event in events {
        feed(&mut subchannel, *event, at(0.0));
    }
    assert_eq!(subchannel.state(), state);
    subchannel
}

#[test]
fn every_state_takes_every_event_as_the_table_says() {
    // Columns in the order of EVENTS, each event a short while after the state was entered.
    let table = [
        (Idle, [Connecting, Idle, Idle, Idle, Idle, Idle, Shutdown]),
        (Connecting, [Connecting, Ready, TransientFailure, Connecting, Connecting, Connecting, Shutdown]),
        (Ready, [Ready, Ready, Ready, Idle, TransientFailure, Ready, Shutdown]),
        (
            TransientFailure,
            [
                TransientFailure,
                TransientFailure,
                TransientFailure,
                TransientFailure,
                TransientFailure,
                TransientFailure,
                Shutdown,
            ],
        ),
        (Shutdown, [Shutdown; 7]),
    ];
    for (state, row) in table {
        for (event, expected) in EVENTS.into_iter().zip(row) {
            let mut subchannel = in_state(state);
            let change = subchannel.on_event(event, at(0.2), &SETTINGS, &mut middle());
            assert_eq!(subchannel.state(), expected, "{event:?} in {state}");
            let reported = (state != expected).then_some(Transition { from: state, to: expected });
            assert_eq!(change, reported, "{event:?} in {state}");
        }
    }
}

#[test]
fn backoff_ends_at_its_time_and_not_before() {
    let mut subchannel = in_state(TransientFailure);
    let due = subchannel.next_wakeup().unwrap();
    assert_eq!(feed(&mut subchannel, Event::BackoffEnded, at(0.999)), TransientFailure);
    assert_eq!(feed(&mut subchannel, Event::BackoffEnded, due), Idle);
}

#[test]
fn backoff_counts_from_the_start_of_the_attempt() {
    let mut subchannel = in_state(Connecting);
    feed(&mut subchannel, Event::AttemptFailed, at(0.7));
    assert!(subchannel.next_wakeup().unwrap() <= at(1.0), "1 s from the start, not from the failure");

    let mut slow = in_state(Connecting);
    feed(&mut slow, Event::AttemptFailed, at(20.0));
    assert_eq!(feed(&mut slow, Event::BackoffEnded, at(20.0)), Idle, "the delay passed during the attempt");
}

#[test]
fn an_attempt_has_twenty_seconds_and_more_once_the_backoff_is_longer() {
    assert_eq!(in_state(Connecting).attempt_deadline(), Some(at(20.0)));
    let mut subchannel = in_state(Idle);
    subchannel.failures = 10;
    feed(&mut subchannel, Event::ConnectRequested, at(0.0));
    assert!(subchannel.attempt_deadline().unwrap() > at(90.0));
}

#[test]
fn failures_grow_the_delay_and_a_served_stream_resets_it() {
    let mut subchannel = in_state(TransientFailure);
    let mut now = subchannel.next_wakeup().unwrap();
    feed(&mut subchannel, Event::BackoffEnded, now);
    feed(&mut subchannel, Event::ConnectRequested, now);
    feed(&mut subchannel, Event::AttemptFailed, now);
    let second = subchannel.next_wakeup().unwrap().since(now);
    assert!((second.as_secs_f64() - 1.6).abs() < 1e-6, "{second:?}");

    now = subchannel.next_wakeup().unwrap();
    feed(&mut subchannel, Event::BackoffEnded, now);
    feed(&mut subchannel, Event::ConnectRequested, now);
    feed(&mut subchannel, Event::Connected, now);
    assert_eq!(feed(&mut subchannel, Event::Retired { served: true }, now), Idle);
    feed(&mut subchannel, Event::ConnectRequested, now);
    feed(&mut subchannel, Event::AttemptFailed, now);
    let reset = subchannel.next_wakeup().unwrap().since(now);
    assert!((reset.as_secs_f64() - 1.0).abs() < 1e-6, "{reset:?}");
}

#[test]
fn a_server_that_accepts_and_closes_is_not_redialled_in_a_hot_loop() {
    let mut subchannel = Subchannel::new();
    let mut now = at(0.0);
    let mut starts = Vec::new();
    for _ in 0..4 {
        feed(&mut subchannel, Event::ConnectRequested, now);
        starts.push(now);
        feed(&mut subchannel, Event::Connected, now);
        let state = feed(&mut subchannel, Event::Retired { served: false }, now + SHORT_LIFE / 2);
        assert_eq!(state, TransientFailure);
        now = subchannel.next_wakeup().unwrap();
        feed(&mut subchannel, Event::BackoffEnded, now);
    }
    let gaps: Vec<f64> = starts.windows(2).map(|w| w[1].since(w[0]).as_secs_f64()).collect();
    for (gap, want) in gaps.iter().zip([1.0, 1.6, 2.56]) {
        assert!((gap - want).abs() < 1e-6, "{gaps:?}");
    }
}

#[test]
fn a_connection_that_came_to_a_short_age_is_no_failure_even_if_it_served_nothing() {
    let mut subchannel = in_state(Ready);
    assert_eq!(feed(&mut subchannel, Event::Retired { served: false }, at(0.5)), Idle);
    let mut subchannel = in_state(Ready);
    assert_eq!(feed(&mut subchannel, Event::Retired { served: false }, at(0.499)), TransientFailure);
}

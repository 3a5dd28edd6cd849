use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const ACK_WAIT: Duration = Duration::from_millis(50);
const LIMITS: ConnectionLimits = ConnectionLimits {
    max_age: Some(Duration::from_millis(1000)),
    max_age_grace: Some(Duration::from_millis(200)),
    max_idle: Some(Duration::from_millis(300)),
    ack_wait: ACK_WAIT,
};

fn at(ms: u64) -> Time {
    Time::after_origin(MS * ms as u32)
}

/// The middle of the range: an age without jitter.
fn middle() -> u64 {
    1 << 63
}

fn life(limits: ConnectionLimits) -> ConnectionLife {
    ConnectionLife::new(at(0), limits, &mut middle)
}

/// A connection in the named phase; drains begin at 100.
fn in_phase(phase: &str, reason: DrainReason) -> ConnectionLife {
    let mut life = life(ConnectionLimits { max_idle: None, ..LIMITS });
    life.phase = match phase {
        "serving" => Phase::Serving,
        "awaiting" => Phase::AwaitingAck { reason, since: at(100) },
        "handed in" => Phase::AckHandedIn { reason, since: at(100), at: at(150) },
        "closing" => Phase::Closing { reason, since: at(100) },
        _ => Phase::Closed,
    };
    life
}

/// Just before the wake-up nothing happens, at it the action does; nothing is asked for in between.
fn wakes_at(life: &mut ConnectionLife, time: u64, action: ConnectionAction) {
    assert_eq!(life.next_wakeup(), Some(at(time)));
    assert_eq!(life.on_wakeup(at(time - 1)), None, "a millisecond early");
    assert_eq!(life.on_wakeup(at(time)), Some(action));
}

#[test]
fn every_phase_meets_every_event() {
    use DrainReason::{GracefulStop, MaxAge, MaxIdle};
    let handed_in = |reason| Phase::AckHandedIn { reason, since: at(100), at: at(1000) };
    for reason in [MaxAge, MaxIdle, GracefulStop] {
        let draining = Phase::AwaitingAck { reason, since: at(100) };
        let given_up = Phase::AckHandedIn { reason, since: at(100), at: at(150) };
        let closing = Phase::Closing { reason, since: at(100) };
        let aged = Phase::AwaitingAck { reason: MaxAge, since: at(1000) };
        let cut_by_age = reason == MaxAge;
        // phase before; after a drain request, the second GOAWAY, a wake-up at 1000 (all timers over)
        let table = [
            (
                "serving",
                Phase::AwaitingAck { reason: GracefulStop, since: at(1000) },
                Phase::Serving,
                (aged, Some(ConnectionAction::SendFirstGoAway(MaxAge))),
            ),
            ("awaiting", draining, closing, (handed_in(reason), Some(ConnectionAction::HandInAck))),
            (
                "handed in",
                given_up,
                closing,
                (Phase::Closed, Some(ConnectionAction::CutNow(CutReason::Stalled))),
            ),
            ("closing", closing, closing, (closing, None)),
            ("closed", Phase::Closed, Phase::Closed, (Phase::Closed, None)),
        ];
        for (phase, drained, second, (woken, action)) in table {
            let mut life = in_phase(phase, reason);
            let expected = (phase == "serving").then_some(ConnectionAction::SendFirstGoAway(GracefulStop));
            assert_eq!(life.on_drain_requested(at(1000)), expected, "{phase}: drain");
            assert_eq!(life.phase, drained, "{phase}: drain");

            let mut life = in_phase(phase, reason);
            life.on_second_goaway_sent();
            assert_eq!(life.phase, second, "{phase}: second GOAWAY");

            let mut life = in_phase(phase, reason);
            let got = life.on_wakeup(at(1000));
            if cut_by_age && matches!(phase, "awaiting" | "handed in" | "closing") {
                assert_eq!(got, Some(ConnectionAction::CutNow(CutReason::GraceExpired)), "{phase}");
                assert_eq!(life.phase, Phase::Closed, "{phase}");
            } else {
                assert_eq!((got, life.phase), (action, woken), "{phase}: wake-up");
            }
        }
    }
}

#[test]
fn age_then_grace_from_the_first_goaway() {
    let mut life = life(ConnectionLimits { max_idle: None, ..LIMITS });
    life.on_stream_opened();
    wakes_at(&mut life, 1000, ConnectionAction::SendFirstGoAway(DrainReason::MaxAge));
    assert_eq!(life.next_wakeup(), Some(at(1050)), "the ACK comes due first");
    life.on_second_goaway_sent();
    wakes_at(&mut life, 1200, ConnectionAction::CutNow(CutReason::GraceExpired));
    assert_eq!(life.next_wakeup(), None);
}

#[test]
fn no_ack_is_handed_in_after_the_wait_and_a_stalled_peer_is_cut_once_it_has_no_call() {
    let mut life = life(ConnectionLimits { max_age: None, max_idle: None, ..LIMITS });
    life.on_stream_opened();
    assert!(life.on_drain_requested(at(10)).is_some());
    wakes_at(&mut life, 60, ConnectionAction::HandInAck);
    assert_eq!(life.next_wakeup(), None, "a call is running: its frames may just be slow");
    life.on_stream_closed(at(500));
    wakes_at(&mut life, 550, ConnectionAction::CutNow(CutReason::Stalled));
}

#[test]
fn a_drain_has_no_grace_of_its_own() {
    let mut life = life(ConnectionLimits { max_idle: None, ..LIMITS });
    life.on_stream_opened();
    assert!(life.on_drain_requested(at(10)).is_some());
    life.on_second_goaway_sent();
    assert_eq!(life.next_wakeup(), None, "neither grace nor age: it is going away already");
    assert_eq!(life.on_wakeup(at(100_000)), None);
}

#[test]
fn idleness_counts_from_the_start_or_the_last_calls_end() {
    let idle = ConnectionLimits { max_age: None, ..LIMITS };
    wakes_at(&mut life(idle), 300, ConnectionAction::SendFirstGoAway(DrainReason::MaxIdle));

    let mut life = life(idle);
    life.on_stream_opened();
    life.on_stream_opened();
    assert_eq!(life.next_wakeup(), None, "busy");
    life.on_stream_closed(at(400));
    assert_eq!(life.on_wakeup(at(10_000)), None, "one call is left");
    life.on_stream_closed(at(500));
    wakes_at(&mut life, 800, ConnectionAction::SendFirstGoAway(DrainReason::MaxIdle));
}

#[test]
fn a_call_that_crossed_the_first_goaway_keeps_an_idle_connection_open() {
    let mut life = life(ConnectionLimits { max_age: None, ..LIMITS });
    assert!(life.on_wakeup(at(300)).is_some());
    life.on_stream_opened();
    life.on_second_goaway_sent();
    assert_eq!(life.next_wakeup(), None);
}

#[test]
fn without_limits_nothing_ever_fires() {
    let none = ConnectionLimits { max_age: None, max_age_grace: None, max_idle: None, ack_wait: ACK_WAIT };
    assert_eq!(life(none).next_wakeup(), None);
    let endless = ConnectionLimits { max_age: Some(Duration::MAX), max_idle: Some(Duration::MAX), ..none };
    assert_eq!(life(endless).on_wakeup(at(1_000_000_000)), None);
}

#[test]
fn a_connection_drawn_at_the_edge_lives_ten_percent_shorter_or_longer() {
    let limits = ConnectionLimits { max_idle: None, ..LIMITS };
    let shortest = ConnectionLife::new(at(0), limits, &mut || 0);
    assert_eq!(shortest.next_wakeup(), Some(at(900)));
    let longest = ConnectionLife::new(at(0), limits, &mut || u64::MAX).next_wakeup().unwrap();
    assert!(longest > at(1099) && longest <= at(1100), "{longest:?}");
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Opened,
    Closed,
    Drain,
    SecondGoAway,
    Wake,
}

proptest! {
    /// The first GOAWAY is sent at most once, the ACK handed in at most once and only after it, and waking at the
    /// announced time always does something: a loop that sleeps until then never spins.
    #[test]
    fn actions_come_in_order_and_wakeups_are_never_idle(
        bits in any::<u64>(),
        events in prop::collection::vec(
            (prop_oneof![
                Just(Event::Opened), Just(Event::Closed), Just(Event::Drain),
                Just(Event::SecondGoAway), Just(Event::Wake), Just(Event::Wake),
            ], 0_u64..120),
            0..60,
        ),
    ) {
        let mut life = ConnectionLife::new(at(0), LIMITS, &mut || bits);
        let mut now = at(0);
        let mut seen = Vec::new();
        for (event, pause) in events {
            now = now + MS * pause as u32;
            seen.extend(match event {
                Event::Opened => { life.on_stream_opened(); None }
                Event::Closed => { life.on_stream_closed(now); None }
                Event::Drain => life.on_drain_requested(now),
                Event::SecondGoAway => { life.on_second_goaway_sent(); None }
                Event::Wake => {
                    now = life.next_wakeup().unwrap_or(now).max(now);
                    let due = life.next_wakeup().is_some();
                    let action = life.on_wakeup(now);
                    prop_assert_eq!(action.is_some(), due);
                    action
                }
            });
        }
        let rank = |action: &ConnectionAction| match action {
            ConnectionAction::SendFirstGoAway(_) => 0,
            ConnectionAction::HandInAck => 1,
            ConnectionAction::CutNow(_) => 2,
        };
        prop_assert!(seen.windows(2).all(|pair| rank(&pair[0]) < rank(&pair[1])), "{:?}", seen);
        prop_assert!(seen.first().is_none_or(|first| rank(first) == 0), "{:?}", seen);
    }
}

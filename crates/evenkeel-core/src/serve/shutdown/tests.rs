use super::ServerAction::{CutConnections, DrainConnections, ReportNotServing};
use super::*;

fn at(ms: u64) -> Time {
    Time::after_origin(Duration::from_millis(ms))
}

fn server(lame_duck: u64) -> ServerLife {
    ServerLife::new(Duration::from_millis(lame_duck), Duration::from_millis(200))
}

#[test]
fn without_a_lame_duck_delay_the_drain_starts_at_once_and_is_cut_at_the_deadline() {
    let mut life = server(0);
    assert_eq!(life.on_signal(at(10)), [ReportNotServing, DrainConnections]);
    assert_eq!(life.next_wakeup(), Some(at(160)), "what it takes to cut is looked at in time");
    assert_eq!(life.on_wakeup(at(160), 0), []);
    assert_eq!(life.next_wakeup(), Some(at(210)));
    assert_eq!(life.on_wakeup(at(209), 0), []);
    assert_eq!(life.on_wakeup(at(210), 0), [CutConnections]);
    assert!(!life.is_ended());
    life.on_connections_gone();
    assert!(life.is_ended());
}

#[test]
fn a_lame_duck_goes_on_accepting_and_the_deadline_counts_from_its_end() {
    let mut life = server(50);
    assert_eq!(life.on_signal(at(10)), [ReportNotServing]);
    life.on_connections_gone();
    assert!(!life.is_ended(), "others may still come");
    assert_eq!(life.on_wakeup(at(59), 0), []);
    assert_eq!(life.on_wakeup(at(60), 0), [DrainConnections]);
    assert_eq!(life.on_wakeup(at(259), 0), []);
    assert_eq!(life.next_wakeup(), Some(at(260)));
    life.on_connections_gone();
    assert!(life.is_ended());
    assert_eq!(life.next_wakeup(), None);
}

#[test]
fn a_second_signal_or_a_stop_ends_at_once_in_any_phase() {
    let mut draining = server(0);
    let mut lame = server(50);
    let _ = draining.on_signal(at(0));
    let _ = lame.on_signal(at(0));
    for mut life in [draining, lame] {
        assert_eq!(life.on_signal(at(1)), [CutConnections]);
        assert_eq!(life.on_signal(at(2)), [], "the third changes nothing");
        assert_eq!(life.next_wakeup(), None);
        life.on_connections_gone();
        assert!(life.is_ended());
        assert_eq!(life.on_stop_requested(), []);
        assert_eq!(life.on_drain_requested(at(3), Duration::ZERO), []);
    }
    assert_eq!(server(50).on_stop_requested(), [ReportNotServing, CutConnections]);
}

#[test]
fn a_later_drain_can_only_shorten_the_deadline() {
    let mut life = server(0);
    assert_eq!(
        life.on_drain_requested(at(0), Duration::from_millis(500)),
        [ReportNotServing, DrainConnections]
    );
    assert_eq!(life.on_drain_requested(at(100), Duration::from_millis(900)), []);
    assert_eq!(life.on_wakeup(at(499), 0), []);
    assert_eq!(life.next_wakeup(), Some(at(500)));
    assert_eq!(life.on_drain_requested(at(100), Duration::from_millis(40)), []);
    assert_eq!(life.next_wakeup(), Some(at(130)));
    assert_eq!(life.on_wakeup(at(139), 0), []);
    assert_eq!(life.next_wakeup(), Some(at(140)));
    assert_eq!(life.on_drain_requested(at(120), Duration::ZERO), []);
    assert_eq!(life.next_wakeup(), Some(at(120)));
    assert_eq!(life.on_wakeup(at(120), 9), [CutConnections]);

    let mut lame = server(50);
    let _ = lame.on_signal(at(0));
    assert_eq!(lame.on_drain_requested(at(1), Duration::from_millis(30)), []);
    assert_eq!(lame.on_wakeup(at(50), 0), [DrainConnections]);
    assert_eq!(lame.on_wakeup(at(79), 0), []);
    assert_eq!(lame.next_wakeup(), Some(at(80)));
}

/// What is cut has to be over at the deadline, too: Kubernetes' SIGKILL does not wait.
#[test]
fn very_many_calls_are_cut_so_early_that_all_is_over_at_the_deadline() {
    let mut life = ServerLife::new(Duration::ZERO, Duration::from_secs(4));
    let _ = life.on_signal(at(0));
    assert_eq!(life.next_wakeup(), Some(at(3_000)));
    assert_eq!(life.on_wakeup(at(3_000), 100_000), []);
    assert_eq!(life.next_wakeup(), Some(at(3_200)));
    assert_eq!(life.on_wakeup(at(3_200), 50_000), [], "many have ended meanwhile");
    assert_eq!(life.next_wakeup(), Some(at(3_600)));
    assert_eq!(life.on_wakeup(at(3_600), 50_000), [CutConnections]);

    let mut life = ServerLife::new(Duration::ZERO, Duration::from_secs(4));
    let _ = life.on_signal(at(0));
    assert_eq!(
        life.on_wakeup(at(2_999), usize::MAX),
        [],
        "calls have three quarters of the time in any case"
    );
    assert_eq!(life.on_wakeup(at(3_000), usize::MAX), [CutConnections]);
}

#[test]
fn connections_that_go_while_serving_end_nothing() {
    let mut life = server(0);
    life.on_connections_gone();
    assert!(!life.is_ended());
    assert_eq!(life.on_wakeup(at(9_999), 0), []);
}

#[test]
fn a_broken_listener_drains_once_and_never_cuts() {
    let mut life = server(50);
    assert_eq!(life.on_listener_broken(at(0)), [ReportNotServing]);
    assert_eq!(life.on_listener_broken(at(1)), []);
    assert_eq!(life.on_wakeup(at(50), 0), [DrainConnections]);
    assert_eq!(life.on_listener_broken(at(51)), []);
}

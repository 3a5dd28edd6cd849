use super::{Code, Duration, MOST_ENDPOINTS, Outcome, Place, Pod, Tally};

fn outcome(at: u64, code: Code, name: Option<&str>) -> Outcome {
    let served_by = name.map(|name| Pod { name: name.into(), address: "127.0.0.1:1".into() });
    let latency = Duration::from_millis(at);
    let at = Duration::from_secs(at);
    let message = if code == Code::Ok { String::new() } else { format!("at {} s", at.as_secs()) };
    Outcome { started: at - latency, at, latency, code, served_by, failed_on: None, message }
}

#[test]
fn nothing_happened() {
    let summary = Tally::default().summary("a:1", Duration::ZERO);
    assert_eq!((summary.calls, summary.latency, summary.endpoints.len()), (0, None, 0));
}

#[test]
fn pods_without_calls_can_be_shown_too() {
    let mut tally = Tally::default();
    tally.on_outcome(outcome(1, Code::Ok, Some("school-1")));
    let pods = ["school-1", "school-2"].map(|name| Pod { name: name.into(), address: "127.0.0.9:1".into() });
    let summary = tally.summary("a:1", Duration::from_secs(2)).over_pods(&pods);
    let endpoints: Vec<_> = summary.endpoints.iter().map(|e| (e.pod.clone(), e.answered)).collect();
    assert_eq!(endpoints, [(pods[0].clone(), 1), (pods[1].clone(), 0)]);
}

/// A call that starts at `started` and is never answered, on a connection that is READY since `connected`.
fn late(started: u64, address: &str, connected: Option<u64>) -> Outcome {
    let place = Place { address: address.to_owned(), connected: connected.map(Duration::from_secs) };
    let started = Duration::from_secs(started);
    let at = started + Duration::from_secs(1);
    Outcome { started, at, failed_on: Some(place), ..outcome(2, Code::DeadlineExceeded, None) }
}

/// Name, calls made, calls answered.
fn rows(tally: &Tally) -> Vec<(String, u64, u64)> {
    let summary = tally.summary("a:1", Duration::from_secs(99));
    summary.endpoints.into_iter().map(|one| (one.pod.name, one.made, one.answered)).collect()
}

#[test]
fn calls_without_an_answer_are_those_of_the_pod_on_the_same_connection() {
    let mut tally = Tally::default();
    tally.on_outcome(outcome(3, Code::Ok, Some("school-1")));
    for second in 3..6 {
        tally.on_outcome(late(second, "127.0.0.1:1", Some(1)));
    }
    assert_eq!(rows(&tally), [("school-1".to_owned(), 4, 1)]);
    let endpoint = &tally.summary("a:1", Duration::ZERO).endpoints[0];
    assert!((endpoint.share - 1.0).abs() < 1e-9);
    assert_eq!(endpoint.failed.counts["DEADLINE_EXCEEDED"], 3);
    assert_eq!(endpoint.failed.message("DEADLINE_EXCEEDED"), "at 2 s");
}

#[test]
fn a_pod_that_took_over_an_address_leaves_the_one_before_alone() {
    let (at, other) = ("127.0.0.1:1", "127.0.0.9:1");
    for late in [late(8, at, Some(7)), late(4, at, Some(7)), late(8, at, None)] {
        let mut tally = Tally::default();
        tally.on_outcome(outcome(5, Code::Ok, Some("school-1")));
        tally.on_outcome(late);
        assert_eq!(rows(&tally), [("school-1".to_owned(), 1, 1), (at.to_owned(), 1, 0)]);
    }
    let mut tally = Tally::default();
    tally.on_outcome(late(8, other, Some(1)));
    assert_eq!(rows(&tally), [(other.to_owned(), 1, 0)]);
}

#[test]
fn calls_that_were_on_no_connection_are_no_pods() {
    let mut tally = Tally::default();
    tally.on_outcome(outcome(1, Code::Ok, Some("school-1")));
    tally.on_outcome(outcome(2, Code::Unavailable, None));
    tally.on_outcome(outcome(3, Code::Unavailable, None));
    let summary = tally.summary("a:1", Duration::from_secs(3));
    assert_eq!((summary.no_pod.counts["UNAVAILABLE"], summary.no_pod.message("UNAVAILABLE")), (2, "at 2 s"));
    assert!((summary.endpoints[0].share - 1.0).abs() < 1e-9, "shares are of calls made to pods");
}

#[test]
fn pods_that_came_and_went_are_forgotten_in_the_end() {
    let mut tally = Tally::default();
    let most = MOST_ENDPOINTS as u64;
    for second in 1..=most + 10 {
        tally.on_outcome(outcome(second, Code::Ok, Some(&format!("school-{second}"))));
        tally.on_outcome(outcome(second, Code::Ok, Some("school-1")));
    }
    let summary = tally.summary("a:1", Duration::from_secs(9999));
    assert_eq!((summary.endpoints.len(), summary.calls), (MOST_ENDPOINTS, 2 * (most + 10)));
    let has = |name: &str| summary.endpoints.iter().any(|endpoint| endpoint.pod.name == name);
    assert!(has("school-1") && !has("school-2") && has(&format!("school-{}", most + 10)));
}

#[test]
fn calls_are_counted_by_code_and_by_pod() {
    let mut tally = Tally::default();
    tally.on_outcome(outcome(2, Code::Ok, Some("school-10")));
    tally.on_outcome(outcome(1, Code::Ok, Some("school-2")));
    tally.on_outcome(outcome(3, Code::NotFound, Some("school-2")));
    tally.on_outcome(outcome(4, Code::Unavailable, None));
    tally.on_outcome(outcome(5, Code::Unavailable, None));
    let summary = tally.summary("a:1", Duration::from_secs(6));
    assert_eq!((summary.calls, summary.ok, summary.failures()), (5, 2, 3));
    assert_eq!(summary.failed.get("UNAVAILABLE"), Some(&2));
    assert_eq!(summary.latency.map(|l| l.max), Some(Duration::from_millis(5)));
    let endpoints: Vec<_> = summary.endpoints.iter().map(|e| (e.pod.name.as_str(), e.answered)).collect();
    assert_eq!(endpoints, [("school-2", 2), ("school-10", 1)], "in natural order");
    let first = &summary.endpoints[0];
    assert_eq!((first.first_call.as_secs(), first.last_call.as_secs()), (1, 3));
    assert_eq!(first.last_start, Duration::from_millis(2997));
    assert_eq!(first.failed.counts.get("NOT_FOUND"), Some(&1));
    assert_eq!(first.latency.map(|latency| latency.max), Some(Duration::from_millis(3)));
    assert_eq!(summary.last_failed_start, Some(Duration::from_millis(4995)));
    assert!((first.share - 2.0 / 3.0).abs() < 1e-9, "shares are of calls made to pods");
}

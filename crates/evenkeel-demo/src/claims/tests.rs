use std::time::Duration;

use super::Claim;
use crate::report::Report;
use crate::seen::{Observed, PodCalls};

const BOUND: Duration = Duration::from_secs(6);
const INTERVAL: Claim = Claim::NewPodsWithinInterval { spare: Duration::from_secs(1) };
const STALE: Claim = Claim::NewPodsGetNothing { watched: Duration::from_secs(7) };
const EVEN: Claim = Claim::Even { max_ratio: 1.1 };

/// Old pods with these counts, at both ends alike.
fn pods(counts: &[u64]) -> Observed {
    let pods = counts.iter().enumerate().map(|(i, &count)| PodCalls {
        name: format!("school-{i}"),
        served: count,
        answered: count,
        ..PodCalls::default()
    });
    Observed {
        pods: pods.collect(),
        calls: counts.iter().sum(),
        max_latency: Duration::from_millis(20),
        ..Observed::default()
    }
}

/// Two old pods and a new one, first called after so many seconds.
fn grown(after: f64, calls: u64) -> Observed {
    let mut seen = pods(&[500, 500, calls]);
    seen.pods[2].is_new = true;
    seen.pods[2].first_call = (calls > 0).then(|| Duration::from_secs_f64(after));
    seen.watched = Some(Duration::from_secs(8));
    seen.interval = Some(Duration::from_secs(5));
    seen
}

fn changed(mut seen: Observed, change: impl FnOnce(&mut Observed)) -> Observed {
    change(&mut seen);
    seen
}

#[track_caller]
fn breaks(claim: Claim, seen: &Observed, reason: &str) {
    let broken = claim.broken_by(seen);
    assert!(broken.iter().any(|b| b.contains(reason)), "{broken:?} does not say `{reason}`");
}

#[test]
fn one_pod_gets_all() {
    let claim = Claim::OnePodGetsAll;
    assert!(claim.broken_by(&pods(&[0, 900, 0])).is_empty());
    breaks(claim, &pods(&[1, 900, 0]), "2 pods were called");
    breaks(claim, &pods(&[0, 0, 0]), "no call was made");
    breaks(claim, &pods(&[900]), "no other pod");
    // The pods' own count alone says that another was called.
    breaks(claim, &changed(pods(&[0, 900, 0]), |seen| seen.pods[0].served = 1), "2 pods were called");
    breaks(
        claim,
        &changed(pods(&[0, 900, 0]), |seen| seen.pods[1].served = 899),
        "counted 899 calls, the client 900",
    );
}

#[test]
fn even_shares() {
    assert!(EVEN.broken_by(&pods(&[100, 105, 110])).is_empty());
    breaks(EVEN, &pods(&[100, 105, 111]), "by the pods' own count max/min is 1.110");
    breaks(EVEN, &pods(&[100, 0, 100]), "a pod got nothing");
    breaks(EVEN, &pods(&[]), "no call was made");
    let only_client = changed(pods(&[100, 100]), |seen| {
        seen.pods[0].answered = 80;
        seen.failed = 20;
    });
    breaks(EVEN, &only_client, "by the client's own count max/min is 1.250");
}

#[test]
fn new_pods_get_nothing() {
    assert!(STALE.broken_by(&grown(0.0, 0)).is_empty());
    breaks(STALE, &grown(3.0, 1), "is new and was called");
    breaks(STALE, &pods(&[500, 500]), "no new pod");
    breaks(STALE, &changed(grown(0.0, 0), |seen| seen.watched = Some(Duration::from_secs(6))), "long enough");
    let idle = changed(grown(0.0, 0), |seen| (seen.pods[0].served, seen.pods[0].answered) = (0, 0));
    breaks(STALE, &idle, "is old and got nothing");
}

#[test]
fn new_pods_within_a_bound() {
    let claim = Claim::NewPodsWithin { bound: BOUND };
    assert!(claim.broken_by(&grown(6.0, 100)).is_empty());
    breaks(claim, &grown(6.01, 100), "first call after 6.01 s");
    breaks(claim, &grown(0.0, 0), "got no call");
    breaks(claim, &changed(grown(1.0, 5), |seen| seen.pods[2].served = 0), "by its own count");
    breaks(claim, &changed(grown(1.0, 5), |seen| seen.failed = 1), "1 calls failed");
    let slow = changed(grown(1.0, 5), |seen| seen.max_latency = Duration::from_millis(1001));
    breaks(claim, &slow, "a call took 1.00 s");
    breaks(claim, &pods(&[5, 5]), "no new pod");
}

#[test]
fn new_pods_within_the_interval_that_the_channel_told() {
    assert!(INTERVAL.broken_by(&grown(6.0, 100)).is_empty());
    breaks(INTERVAL, &grown(6.1, 100), "first call after 6.10 s");
    let shorter = changed(grown(5.5, 100), |seen| seen.interval = Some(Duration::from_secs(4)));
    breaks(INTERVAL, &shorter, "first call after 5.50 s");
    breaks(INTERVAL, &changed(grown(1.0, 100), |seen| seen.interval = None), "did not say when");
}

#[test]
fn figures_of_an_act() {
    let report = Report::new("ttl-refresh", "soon".into(), INTERVAL, grown(4.2, 250));
    assert!(report.holds());
    let figures = &report.figures;
    assert_eq!((figures.calls, figures.failed, figures.counts_agree), (1250, 0, true));
    assert_eq!(
        (figures.interval_s, figures.bound_s, figures.new_pods_after_s),
        (Some(5.0), Some(6.0), Some(4.2))
    );
    assert_eq!(figures.max_min_ratio, None, "not what this act is about");
    assert!((report.share(&report.pods[2]) - 0.2).abs() < 1e-9);
}

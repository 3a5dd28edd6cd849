use super::Duration;
use crate::claims::Claim;
use crate::cluster::Fault;
use crate::report::Report;
use crate::seen::{Fate, FaultSeen, KillSeen, Observed, OutageSeen, PodCalls};

const KILL: Claim = Claim::SurvivesKill { grace: Duration::from_millis(100), bound: Duration::from_secs(6) };
const RESTART: Claim = Claim::SurvivesRestart { bound: Duration::from_secs(6) };
const DNS: Claim = Claim::OutlivesDns { spare: Duration::from_secs(1) };

fn pod(name: &str, calls: u64, fate: Fate) -> PodCalls {
    PodCalls { name: name.to_owned(), served: calls, answered: calls, fate, ..PodCalls::default() }
}

fn new_pod(name: &str, calls: u64, fate: Fate) -> PodCalls {
    PodCalls { is_new: true, first_call: Some(Duration::from_secs(4)), ..pod(name, calls, fate) }
}

fn observed(pods: Vec<PodCalls>) -> Observed {
    let calls = pods.iter().map(|pod| pod.answered).sum();
    let interval = Some(Duration::from_millis(5500));
    Observed { pods, calls, interval, max_latency: Duration::from_millis(20), ..Observed::default() }
}

/// Two of 60 answers came after the killed pod's last count, and two calls were lost.
fn killed() -> Observed {
    let mut victim = pod("killed", 60, Fate::Killed { answered_before: 57 });
    victim.served = 58;
    let mut seen = observed(vec![pod("old", 500, Fate::Stands), victim, new_pod("new", 50, Fate::Stands)]);
    (seen.calls, seen.failed) = (seen.calls + 2, 2);
    seen.kill = Some(KillSeen {
        last_failed_start: Duration::from_millis(40),
        last_answered_start: Duration::ZERO,
        new_pod_in: Some(Duration::from_secs(5)),
    });
    seen
}

const CLEAN: Fate = Fate::Drained { is_clean: true };

fn restarted() -> Observed {
    // Each is called 4 s after it came.
    let new =
        |name, came| PodCalls { came: Some(Duration::from_secs(came)), ..new_pod(name, 90, Fate::Stands) };
    let old = [pod("first", 100, CLEAN), pod("second", 90, CLEAN)];
    observed(old.into_iter().chain([new("third", 1), new("fourth", 5)]).collect())
}

fn outlived() -> Observed {
    let fault = |fault| FaultSeen { fault, lasted: Duration::from_secs(6), questions: 2 };
    let mut seen = observed(vec![
        pod("old", 500, Fate::Stands),
        pod("gone", 300, CLEAN),
        new_pod("new", 9, Fate::Stands),
    ]);
    seen.outage = Some(OutageSeen {
        faults: [Fault::ServerFailure, Fault::NameError, Fault::Silence].map(fault).to_vec(),
        retries: [1.1, 1.6, 2.9].map(Duration::from_secs_f64).to_vec(),
        asks_within: Some(Duration::from_secs(3)),
    });
    seen
}

fn changed(mut seen: Observed, change: impl FnOnce(&mut Observed)) -> Observed {
    change(&mut seen);
    seen
}

fn outlived_but(change: impl FnOnce(&mut OutageSeen)) -> Observed {
    changed(outlived(), |seen| change(seen.outage.as_mut().expect("there was one")))
}

fn killed_but(change: impl FnOnce(&mut KillSeen)) -> Observed {
    changed(killed(), |seen| change(seen.kill.as_mut().expect("there was one")))
}

#[track_caller]
fn breaks(claim: Claim, seen: &Observed, reason: &str) {
    let broken = claim.broken_by(seen);
    assert!(broken.iter().any(|b| b.contains(reason)), "{broken:?} does not say `{reason}`");
}

#[test]
fn a_kill_is_survived() {
    assert_eq!(KILL.broken_by(&killed()), Vec::<String>::new());
    let late = |milliseconds| Duration::from_millis(milliseconds);
    assert!(KILL.broken_by(&killed_but(|kill| kill.last_failed_start = late(100))).is_empty());
    breaks(KILL, &killed_but(|kill| kill.last_failed_start = late(101)), "started 101 ms after the kill");
    breaks(KILL, &killed_but(|kill| kill.last_answered_start = late(250)), "started 250 ms after the kill");
    let slow = changed(killed(), |seen| seen.pods[2].first_call = Some(Duration::from_millis(6010)));
    breaks(KILL, &slow, "first call after 6.01 s");
    breaks(KILL, &changed(killed(), |seen| seen.pods[2].first_call = None), "new got no call");
}

#[test]
fn without_a_kill_there_is_nothing_to_survive() {
    breaks(KILL, &changed(killed(), |seen| seen.pods[1].fate = Fate::Stands), "no pod was killed");
    breaks(KILL, &changed(killed(), |seen| seen.pods[0].fate = seen.pods[1].fate), "more than one pod");
    breaks(KILL, &changed(killed(), |seen| seen.kill = None), "nobody saw the kill");
    breaks(KILL, &changed(killed(), |seen| seen.pods[1].served = 0), "served nothing before");
    let none_new = changed(killed(), |seen| seen.pods[2].is_new = false);
    breaks(KILL, &none_new, "no new pod");
}

#[test]
fn a_killed_pods_last_count_lies_between_what_the_client_had_and_what_it_got() {
    breaks(KILL, &changed(killed(), |seen| seen.pods[1].served = 56), "killed counted 56 calls");
    assert!(KILL.broken_by(&changed(killed(), |seen| seen.pods[1].served = 62)).is_empty(), "two were lost");
    breaks(KILL, &changed(killed(), |seen| seen.pods[1].served = 63), "killed counted 63 calls");
}

#[test]
fn a_restart_is_survived() {
    assert_eq!(RESTART.broken_by(&restarted()), Vec::<String>::new());
    breaks(RESTART, &changed(restarted(), |seen| seen.failed = 1), "1 calls failed");
    let slow = changed(restarted(), |seen| seen.max_latency = Duration::from_millis(1200));
    breaks(RESTART, &slow, "a call took 1.20 s");
    let cut = changed(restarted(), |seen| seen.pods[1].fate = Fate::Drained { is_clean: false });
    breaks(RESTART, &cut, "second cut calls off");
    breaks(
        RESTART,
        &changed(restarted(), |seen| seen.pods[0].fate = Fate::Stands),
        "of 4 pods, 2 at first, 1 drained",
    );
    breaks(RESTART, &changed(restarted(), |seen| drop(seen.pods.pop())), "of 3 pods");
    let idle = changed(restarted(), |seen| (seen.pods[0].served, seen.pods[0].answered) = (0, 0));
    breaks(RESTART, &idle, "first got nothing");
    breaks(RESTART, &changed(restarted(), |seen| seen.pods[1].served = 70), "second counted 70 calls");
    let late = changed(restarted(), |seen| seen.pods[2].first_call = Some(Duration::from_secs(7)));
    breaks(RESTART, &late, "first call after 7.00 s");
}

#[test]
fn a_restart_goes_one_pod_after_another() {
    for came in [Some(Duration::from_millis(4999)), Some(Duration::from_secs(1)), None] {
        let early = changed(restarted(), |seen| seen.pods[3].came = came);
        breaks(RESTART, &early, "fourth came before the client had called third");
    }
}

#[test]
fn an_outage_is_outlived() {
    assert_eq!(DNS.broken_by(&outlived()), Vec::<String>::new());
    breaks(DNS, &changed(outlived(), |seen| seen.failed = 1), "1 calls failed");
    let late = changed(outlived(), |seen| seen.pods[2].first_call = Some(Duration::from_millis(4010)));
    breaks(DNS, &late, "first call after 4.01 s");
    breaks(DNS, &outlived_but(|outage| outage.asks_within = None), "did not say when it looks again");
    let cut = changed(outlived(), |seen| seen.pods[1].fate = Fate::Drained { is_clean: false });
    breaks(DNS, &cut, "gone cut calls off");
}

#[test]
fn an_outage_that_nobody_met_proves_nothing() {
    breaks(DNS, &changed(outlived(), |seen| seen.outage = None), "DNS did not fail");
    breaks(
        DNS,
        &outlived_but(|outage| outage.faults[1].questions = 0),
        "nobody asked DNS during its NameError",
    );
    let short = outlived_but(|outage| outage.faults[2].lasted = Duration::from_millis(5500));
    breaks(DNS, &short, "the Silence was over before an answer was");
    breaks(DNS, &changed(outlived(), |seen| seen.pods[1].fate = Fate::Stands), "no pod was replaced");
    breaks(DNS, &outlived_but(|outage| outage.retries.clear()), "no lookup failed");
}

#[test]
fn an_announcement_that_breaks_the_rule_excuses_nothing() {
    for (index, seconds) in [(0, 0.99), (0, 1.16), (1, 1.5), (1, 1.85), (2, 30.0)] {
        let odd = outlived_but(|outage| outage.retries[index] = Duration::from_secs_f64(seconds));
        breaks(DNS, &odd, &format!("announced a retry after {seconds:.2} s"));
    }
    let long: Vec<_> = [1.0, 1.6, 2.56, 4.096, 6.5536, 10.49, 16.78, 26.85, 30.0, 34.5].to_vec();
    let long =
        outlived_but(|outage| outage.retries = long.into_iter().map(Duration::from_secs_f64).collect());
    assert_eq!(DNS.broken_by(&long), Vec::<String>::new(), "they stop growing at 30 s");
}

#[test]
fn figures_of_trouble() {
    let figures = |claim, seen| Report::new("id", "words".into(), claim, seen).figures;
    let kill = figures(KILL, killed());
    assert!(kill.counts_agree);
    assert_eq!((kill.killed_pod_out_s, kill.new_pod_in_s, kill.uncounted), (Some(0.04), Some(5.0), Some(2)));
    assert_eq!((kill.bound_s, kill.drained, kill.outage_s), (Some(6.0), None, None));
    assert_eq!(figures(RESTART, restarted()).drained, Some(2));
    let dns = figures(DNS, outlived());
    assert_eq!((dns.outage_s, dns.failed_lookups, dns.bound_s), (Some(18.0), Some(3), Some(4.0)));
}

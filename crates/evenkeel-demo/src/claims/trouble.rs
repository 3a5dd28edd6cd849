//! Claims about what calls notice of pods and DNS that fail.

use std::time::Duration;

use super::balance;
use crate::seen::{Fate, Observed, OutageSeen, PodCalls};

/// The delays after failed lookups, as docs/defaults.md has them: the first, their growth, their limit, their jitter.
const RETRY_FIRST: f64 = 1.0;
const RETRY_GROWTH: f64 = 1.6;
const RETRY_CAP: f64 = 30.0;
const RETRY_JITTER: f64 = 1.15;
/// What floating point may make of them.
const ROUNDING: f64 = 1e-6;

pub(super) fn survives_kill(seen: &Observed, grace: Duration, broken: &mut Vec<String>) {
    let mut killed = seen.pods.iter().filter(|pod| matches!(pod.fate, Fate::Killed { .. }));
    match (killed.next(), killed.next()) {
        (Some(pod), None) if pod.served > 0 => {}
        (Some(pod), None) => broken.push(format!("{} served nothing before it was killed", pod.name)),
        (None, _) => broken.push("no pod was killed".to_owned()),
        (Some(_), Some(_)) => broken.push("more than one pod was killed".to_owned()),
    }
    let Some(kill) = seen.kill else {
        broken.push("nobody saw the kill".to_owned());
        return;
    };
    if kill.out_after() > grace {
        let milliseconds = kill.out_after().as_secs_f64() * 1e3;
        broken.push(format!("a call that started {milliseconds:.0} ms after the kill met the killed pod"));
    }
}

pub(super) fn survives_restart(seen: &Observed, broken: &mut Vec<String>) {
    balance::no_call_suffers(seen, broken);
    let first = seen.pods.iter().filter(|pod| !pod.is_new).count();
    if seen.pods.len() != 2 * first || drained(seen) != first {
        broken.push(format!("of {} pods, {} at first, {} drained", seen.pods.len(), first, drained(seen)));
    }
    all_clean(seen, broken);
    let new: Vec<_> = balance::new_pods(seen).collect();
    for pair in new.windows(2) {
        let [last, next] = pair else { continue };
        if next.came.is_none() || next.came < called_at(last) {
            broken.push(format!("{} came before the client had called {}", next.name, last.name));
        }
    }
    for pod in seen.pods.iter().filter(|pod| pod.served == 0) {
        broken.push(format!("{} got nothing", pod.name));
    }
}

pub(super) fn outlives_dns(seen: &Observed, broken: &mut Vec<String>) {
    balance::no_call_fails(seen, broken);
    all_clean(seen, broken);
    if drained(seen) == 0 {
        broken.push("no pod was replaced".to_owned());
    }
    let Some(outage) = &seen.outage else {
        broken.push("DNS did not fail".to_owned());
        return;
    };
    for fault in &outage.faults {
        if fault.questions == 0 {
            broken.push(format!("nobody asked DNS during its {:?}", fault.fault));
        }
        if seen.interval.is_none_or(|interval| fault.lasted <= interval) {
            broken.push(format!("the {:?} was over before an answer was", fault.fault));
        }
    }
    keeps_to_the_retry_rule(outage, broken);
}

/// How many pods drained without cutting a call off.
pub(super) fn drained(seen: &Observed) -> usize {
    seen.pods.iter().filter(|pod| pod.fate == Fate::Drained { is_clean: true }).count()
}

/// How many answers of the killed pod came too late for its last count.
pub(super) fn uncounted(seen: &Observed) -> u64 {
    let killed = seen.pods.iter().filter(|pod| matches!(pod.fate, Fate::Killed { .. }));
    killed.map(|pod| pod.answered.saturating_sub(pod.served)).sum()
}

/// When a new pod was first called, from the act's first call.
fn called_at(pod: &PodCalls) -> Option<Duration> {
    Some(pod.came? + pod.first_call?)
}

fn all_clean(seen: &Observed, broken: &mut Vec<String>) {
    for pod in seen.pods.iter().filter(|pod| pod.fate == Fate::Drained { is_clean: false }) {
        broken.push(format!("{} cut calls off", pod.name));
    }
}

/// A bound that comes from what the channel announced is worth as much as the announcement.
fn keeps_to_the_retry_rule(outage: &OutageSeen, broken: &mut Vec<String>) {
    let mut expected = RETRY_FIRST;
    for told in outage.retries.iter().map(Duration::as_secs_f64) {
        if told < expected - ROUNDING || told > expected * RETRY_JITTER + ROUNDING {
            broken.push(format!(
                "the channel announced a retry after {told:.2} s where {expected:.2} s is the rule"
            ));
        }
        expected = (expected * RETRY_GROWTH).min(RETRY_CAP);
    }
    if outage.retries.is_empty() {
        broken.push("no lookup failed".to_owned());
    }
}

#[cfg(test)]
mod tests;

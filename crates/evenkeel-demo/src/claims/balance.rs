//! Claims about who gets how many calls, and how soon.

use std::time::Duration;

use crate::seen::{Fate, Observed, PodCalls};

/// No call may take longer where a claim says so.
const LONGEST_CALL: Duration = Duration::from_secs(1);

/// A pod and the client may differ by calls that failed: those may have been served and never heard of.
pub(super) fn disagreements(seen: &Observed) -> Vec<String> {
    let differing = seen.pods.iter().filter(|pod| {
        // A pod that was killed cannot have counted what it answered after it was asked.
        let least = match pod.fate {
            Fate::Killed { answered_before } => answered_before,
            Fate::Stands | Fate::Drained { .. } => pod.answered.saturating_sub(seen.failed),
        };
        !(least..=pod.answered + seen.failed).contains(&pod.served)
    });
    differing
        .map(|pod| format!("{} counted {} calls, the client {} from it", pod.name, pod.served, pod.answered))
        .collect()
}

pub(super) fn one_pod_gets_all(seen: &Observed, broken: &mut Vec<String>) {
    let called: Vec<_> = seen.pods.iter().filter(|pod| pod.served > 0 || pod.answered > 0).collect();
    if seen.pods.len() < 2 {
        broken.push("there was no other pod to call".to_owned());
    }
    if called.len() != 1 {
        broken.push(format!("{} pods were called, not one", called.len()));
    }
}

pub(super) fn even(seen: &Observed, max_ratio: f64, broken: &mut Vec<String>) {
    let counts = [("the pods'", ratio(seen, |p| p.served)), ("the client's", ratio(seen, |p| p.answered))];
    for (whose, ratio) in counts {
        match ratio {
            Some(ratio) if ratio <= max_ratio => {}
            Some(ratio) => broken.push(format!("by {whose} own count max/min is {ratio:.3}")),
            None => broken.push(format!("by {whose} own count a pod got nothing")),
        }
    }
}

pub(super) fn new_pods_get_nothing(seen: &Observed, wanted: Duration, broken: &mut Vec<String>) {
    for pod in &seen.pods {
        let called = pod.served > 0 || pod.answered > 0;
        if called == pod.is_new {
            let what = if called { "is new and was called" } else { "is old and got nothing" };
            broken.push(format!("{} {what}", pod.name));
        }
    }
    expect_new_pods(seen, broken);
    if seen.watched.is_none_or(|watched| watched < wanted) {
        broken.push("the new pods were not watched for long enough".to_owned());
    }
}

pub(super) fn new_pods_within(seen: &Observed, bound: Duration, broken: &mut Vec<String>) {
    expect_new_pods(seen, broken);
    for pod in new_pods(seen) {
        match pod.first_call {
            Some(first) if first <= bound => {}
            Some(first) => {
                broken.push(format!("{} got its first call after {:.2} s", pod.name, first.as_secs_f64()))
            }
            None => broken.push(format!("{} got no call", pod.name)),
        }
        if pod.served == 0 {
            broken.push(format!("{} served no call by its own count", pod.name));
        }
    }
}

/// No call fails or takes over a second.
pub(super) fn no_call_suffers(seen: &Observed, broken: &mut Vec<String>) {
    no_call_fails(seen, broken);
    if seen.max_latency > LONGEST_CALL {
        broken.push(format!("a call took {:.2} s", seen.max_latency.as_secs_f64()));
    }
}

pub(super) fn no_call_fails(seen: &Observed, broken: &mut Vec<String>) {
    if seen.failed > 0 {
        broken.push(format!("{} calls failed", seen.failed));
    }
}

fn expect_new_pods(seen: &Observed, broken: &mut Vec<String>) {
    if new_pods(seen).next().is_none() {
        broken.push("there was no new pod".to_owned());
    }
}

pub(super) fn new_pods(seen: &Observed) -> impl Iterator<Item = &PodCalls> {
    seen.pods.iter().filter(|pod| pod.is_new)
}

/// Max over min; `None` when a pod, or every pod, got nothing.
pub(super) fn ratio(seen: &Observed, calls: impl Fn(&PodCalls) -> u64) -> Option<f64> {
    let (least, most) = (seen.pods.iter().map(&calls).min()?, seen.pods.iter().map(&calls).max()?);
    (least > 0).then(|| most as f64 / least as f64)
}

//! Whether what was seen is what was claimed: pure, so that every claim is tested with what must break it.

use std::time::Duration;

use serde::Serialize;

/// What an act claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Claim {
    OnePodGetsAll,
    /// The most called pod gets at most this many times what the least called one gets.
    Even {
        max_ratio: f64,
    },
    /// New pods are watched for at least this long and get no call.
    NewPodsGetNothing {
        watched: Duration,
    },
    /// Each new pod gets its first call within `bound` of being ready; no call fails or takes over a second.
    NewPodsWithin {
        bound: Duration,
    },
    /// The same, with the channel's own effective interval and `spare` as the bound.
    NewPodsWithinInterval {
        spare: Duration,
    },
}

/// What was seen in an act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) pods: Vec<PodCalls>,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) max_latency: Duration,
    pub(crate) p99_latency: Duration,
    /// From when the new pods were in DNS to the act's end.
    pub(crate) watched: Option<Duration>,
    /// After how long the channel meant to look again when the new pods became ready.
    pub(crate) interval: Option<Duration>,
}

/// One pod's calls, counted at both ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodCalls {
    pub(crate) name: String,
    pub(crate) address: String,
    /// By its own count.
    pub(crate) served: u64,
    /// By the client's, from the name in the answers.
    pub(crate) answered: u64,
    pub(crate) is_new: bool,
    /// For a new pod, from when it was in DNS to its first answer.
    pub(crate) first_call: Option<Duration>,
}

/// An act's outcome.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) id: &'static str,
    pub(crate) claim: String,
    /// Why the claim does not hold; nothing if it does.
    pub(crate) broken: Vec<String>,
    pub(crate) figures: Figures,
    pub(crate) pods: Vec<PodCalls>,
}

/// The numbers behind a verdict. Times are in the unit that the name says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Whether each pod counted the calls that the client counted for it.
    pub(crate) counts_agree: bool,
    /// The most called pod's calls over the least called one's, where that is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_min_ratio: Option<f64>,
    /// For how long the new pods were watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watched_s: Option<f64>,
    /// The channel's effective interval between lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval_s: Option<f64>,
    /// How long the last new pod waited for its first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_pods_after_s: Option<f64>,
    /// How long it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bound_s: Option<f64>,
}

/// No call may take longer where a claim says so.
const LONGEST_CALL: Duration = Duration::from_secs(1);

impl Claim {
    /// Says everything that contradicts the claim.
    pub(crate) fn broken_by(&self, seen: &Observed) -> Vec<String> {
        let mut broken = Vec::new();
        if seen.calls == 0 {
            broken.push("no call was made".to_owned());
        }
        broken.extend(disagreements(seen));
        match *self {
            Self::OnePodGetsAll => one_pod_gets_all(seen, &mut broken),
            Self::Even { max_ratio } => even(seen, max_ratio, &mut broken),
            Self::NewPodsGetNothing { watched } => new_pods_get_nothing(seen, watched, &mut broken),
            Self::NewPodsWithin { .. } | Self::NewPodsWithinInterval { .. } => match self.bound(seen) {
                Some(bound) => new_pods_within(seen, bound, &mut broken),
                None => broken.push("the channel did not say when it looks again".to_owned()),
            },
        }
        broken
    }

    /// How long new pods may wait, if that is what is claimed.
    fn bound(&self, seen: &Observed) -> Option<Duration> {
        match *self {
            Self::NewPodsWithin { bound } => Some(bound),
            Self::NewPodsWithinInterval { spare } => seen.interval.map(|interval| interval + spare),
            Self::OnePodGetsAll | Self::Even { .. } | Self::NewPodsGetNothing { .. } => None,
        }
    }

    /// The figures that this claim is about.
    pub(crate) fn figures(&self, seen: &Observed) -> Figures {
        let seconds = |duration: Duration| round(duration.as_secs_f64());
        let milliseconds = |duration: Duration| round(duration.as_secs_f64() * 1e3);
        let is_even = matches!(self, Self::Even { .. });
        let waits: Option<Vec<_>> = new_pods(seen).map(|pod| pod.first_call).collect();
        Figures {
            calls: seen.calls,
            failed: seen.failed,
            p99_ms: milliseconds(seen.p99_latency),
            max_ms: milliseconds(seen.max_latency),
            counts_agree: disagreements(seen).is_empty(),
            max_min_ratio: is_even.then(|| ratio(seen, |pod| pod.served)).flatten().map(round),
            watched_s: seen.watched.map(seconds),
            interval_s: seen.interval.map(seconds),
            new_pods_after_s: waits.and_then(|waits| waits.into_iter().max()).map(seconds),
            bound_s: self.bound(seen).map(seconds),
        }
    }
}

impl Report {
    pub(crate) fn new(id: &'static str, text: String, claim: Claim, seen: Observed) -> Self {
        let (broken, figures) = (claim.broken_by(&seen), claim.figures(&seen));
        Self { id, claim: text, broken, figures, pods: seen.pods }
    }

    pub(crate) fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// The part of all served calls that `pod` served.
    pub(crate) fn share(&self, pod: &PodCalls) -> f64 {
        crate::load::share(pod.served, self.pods.iter().map(|pod| pod.served).sum())
    }
}

/// A pod and the client may differ by calls that failed: those may have been served and never heard of.
fn disagreements(seen: &Observed) -> Vec<String> {
    let differing = seen.pods.iter().filter(|pod| pod.served.abs_diff(pod.answered) > seen.failed);
    differing
        .map(|pod| format!("{} counted {} calls, the client {} from it", pod.name, pod.served, pod.answered))
        .collect()
}

fn one_pod_gets_all(seen: &Observed, broken: &mut Vec<String>) {
    let called: Vec<_> = seen.pods.iter().filter(|pod| pod.served > 0 || pod.answered > 0).collect();
    if seen.pods.len() < 2 {
        broken.push("there was no other pod to call".to_owned());
    }
    if called.len() != 1 {
        broken.push(format!("{} pods were called, not one", called.len()));
    }
}

fn even(seen: &Observed, max_ratio: f64, broken: &mut Vec<String>) {
    let counts = [("the pods'", ratio(seen, |p| p.served)), ("the client's", ratio(seen, |p| p.answered))];
    for (whose, ratio) in counts {
        match ratio {
            Some(ratio) if ratio <= max_ratio => {}
            Some(ratio) => broken.push(format!("by {whose} own count max/min is {ratio:.3}")),
            None => broken.push(format!("by {whose} own count a pod got nothing")),
        }
    }
}

fn new_pods_get_nothing(seen: &Observed, wanted: Duration, broken: &mut Vec<String>) {
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

fn new_pods_within(seen: &Observed, bound: Duration, broken: &mut Vec<String>) {
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
    if seen.failed > 0 {
        broken.push(format!("{} calls failed", seen.failed));
    }
    if seen.max_latency > LONGEST_CALL {
        broken.push(format!("a call took {:.2} s", seen.max_latency.as_secs_f64()));
    }
}

fn expect_new_pods(seen: &Observed, broken: &mut Vec<String>) {
    if new_pods(seen).next().is_none() {
        broken.push("there was no new pod".to_owned());
    }
}

fn new_pods(seen: &Observed) -> impl Iterator<Item = &PodCalls> {
    seen.pods.iter().filter(|pod| pod.is_new)
}

/// Max over min; `None` when a pod, or every pod, got nothing.
fn ratio(seen: &Observed, calls: impl Fn(&PodCalls) -> u64) -> Option<f64> {
    let (least, most) = (seen.pods.iter().map(&calls).min()?, seen.pods.iter().map(&calls).max()?);
    (least > 0).then(|| most as f64 / least as f64)
}

/// To three decimals: figures are for reading.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;

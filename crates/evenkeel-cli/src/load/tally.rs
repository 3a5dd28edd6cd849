//! What came of a load's calls.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tonic::Code;

use super::histogram::Histogram;

/// How many pods are counted: a load that goes on for months must not grow with each pod that came and went. Each costs its
/// latencies, some 15 to 30 KB where calls take up to a second.
const MOST_ENDPOINTS: usize = 512;

/// How one call ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// When it started, since the load's start.
    pub(crate) started: Duration,
    /// When it ended.
    pub(crate) at: Duration,
    /// From its scheduled start to its end.
    pub(crate) latency: Duration,
    pub(crate) code: Code,
    /// Who answered, if anybody did.
    pub(crate) served_by: Option<Pod>,
    /// The address of the connection that it failed on, without an answer or in the middle of one.
    pub(crate) failed_on: Option<String>,
}

/// Who answered a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pod {
    /// What it calls itself, else its address.
    pub(crate) name: String,
    /// The connection's peer: behind a ClusterIP not the pod's own.
    pub(crate) address: String,
}

/// The running count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    ok: u64,
    failed: BTreeMap<&'static str, u64>,
    last_failed_start: Option<Duration>,
    latencies: Histogram,
    endpoints: HashMap<Pod, EndpointTally>,
}

/// The count at one moment: what tables and documents are made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) target: String,
    pub(crate) elapsed: Duration,
    pub(crate) calls: u64,
    pub(crate) ok: u64,
    /// By gRPC's code names.
    pub(crate) failed: BTreeMap<&'static str, u64>,
    /// When the last one of the failed calls started, since the load's start.
    pub(crate) last_failed_start: Option<Duration>,
    /// `None` before the first call has ended.
    pub(crate) latency: Option<Latencies>,
    pub(crate) endpoints: Vec<EndpointSummary>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latencies {
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndpointSummary {
    pub(crate) pod: Pod,
    /// Calls it answered, whatever the answer.
    pub(crate) calls: u64,
    /// Of all calls that were answered, 0–1.
    pub(crate) share: f64,
    /// When its first call ended, since the load's start; zero without calls.
    pub(crate) first_call: Duration,
    pub(crate) last_call: Duration,
    /// When the last one of its calls started.
    pub(crate) last_start: Duration,
    /// Calls that failed on it, answered with an error or not at all, by gRPC's code names.
    pub(crate) failed: BTreeMap<&'static str, u64>,
    /// `None` without calls.
    pub(crate) latency: Option<Latencies>,
}

#[derive(Debug, Default)]
struct EndpointTally {
    calls: u64,
    failed: BTreeMap<&'static str, u64>,
    latencies: Histogram,
    first_call: Duration,
    last_call: Duration,
    last_start: Duration,
}

impl Tally {
    pub(crate) fn on_outcome(&mut self, outcome: Outcome) {
        match outcome.code {
            Code::Ok => self.ok += 1,
            code => {
                *self.failed.entry(code_name(code)).or_default() += 1;
                self.last_failed_start = self.last_failed_start.max(Some(outcome.started));
            }
        }
        self.latencies.record(outcome.latency);
        let is_answered = outcome.served_by.is_some();
        let pod = outcome.served_by.or_else(|| outcome.failed_on.map(|address| self.pod_at(address)));
        let Some(pod) = pod else { return };
        if self.endpoints.len() >= MOST_ENDPOINTS && !self.endpoints.contains_key(&pod) {
            self.forget_one();
        }
        let tally = self.endpoints.entry(pod).or_default();
        if outcome.code != Code::Ok {
            *tally.failed.entry(code_name(outcome.code)).or_default() += 1;
        }
        if is_answered {
            tally.on_answer(outcome.started, outcome.at, outcome.latency);
        }
    }

    /// Who answers from this address: behind a ClusterIP, whoever did so last. Before the first answer, nobody knows its name.
    fn pod_at(&self, address: String) -> Pod {
        let there = self.endpoints.iter().filter(|(pod, _)| pod.address == address);
        let last = there.max_by_key(|(_, tally)| tally.last_call).map(|(pod, _)| pod.clone());
        last.unwrap_or_else(|| Pod { name: address.clone(), address })
    }

    /// The pod that has been silent for longest.
    fn forget_one(&mut self) {
        let oldest = self.endpoints.iter().min_by_key(|(_, tally)| tally.last_call);
        if let Some(pod) = oldest.map(|(pod, _)| pod.clone()) {
            self.endpoints.remove(&pod);
        }
    }

    pub(crate) fn summary(&self, target: &str, elapsed: Duration) -> Summary {
        let answered: u64 = self.endpoints.values().map(|e| e.calls).sum();
        let mut endpoints: Vec<_> = self
            .endpoints
            .iter()
            .map(|(pod, tally)| EndpointSummary {
                pod: pod.clone(),
                calls: tally.calls,
                share: share(tally.calls, answered),
                first_call: tally.first_call,
                last_call: tally.last_call,
                last_start: tally.last_start,
                failed: tally.failed.clone(),
                latency: latencies(&tally.latencies),
            })
            .collect();
        // Shorter names first, so that school-2 comes before school-10.
        endpoints.sort_by(|a, b| (a.pod.name.len(), &a.pod).cmp(&(b.pod.name.len(), &b.pod)));
        Summary {
            target: target.to_owned(),
            elapsed,
            calls: self.ok + self.failed.values().sum::<u64>(),
            ok: self.ok,
            failed: self.failed.clone(),
            last_failed_start: self.last_failed_start,
            latency: latencies(&self.latencies),
            endpoints,
        }
    }
}

impl EndpointTally {
    fn on_answer(&mut self, started: Duration, at: Duration, latency: Duration) {
        self.first_call = if self.calls == 0 { at } else { self.first_call.min(at) };
        self.calls += 1;
        self.last_call = self.last_call.max(at);
        self.last_start = self.last_start.max(started);
        self.latencies.record(latency);
    }
}

fn latencies(all: &Histogram) -> Option<Latencies> {
    Some(Latencies {
        p50: all.quantile(0.50)?,
        p90: all.quantile(0.90)?,
        p99: all.quantile(0.99)?,
        max: all.max()?,
    })
}

impl EndpointSummary {
    /// A pod without a call.
    pub(crate) fn none(pod: Pod) -> Self {
        Self {
            pod,
            calls: 0,
            share: 0.0,
            first_call: Duration::ZERO,
            last_call: Duration::ZERO,
            last_start: Duration::ZERO,
            failed: BTreeMap::new(),
            latency: None,
        }
    }
}

impl Summary {
    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The same with these pods as its endpoints, those without a call included.
    pub(crate) fn over_pods(mut self, pods: &[Pod]) -> Self {
        let of = |pod: &Pod| {
            let named = self.endpoints.iter().filter(|endpoint| endpoint.pod.name == pod.name);
            named.fold(EndpointSummary::none(pod.clone()), |sum, endpoint| EndpointSummary {
                calls: sum.calls + endpoint.calls,
                share: sum.share + endpoint.share,
                ..sum
            })
        };
        self.endpoints = pods.iter().map(of).collect();
        self
    }
}

/// Failed calls by code, in words: `NOT_FOUND 1, UNAVAILABLE 3`.
pub(crate) fn by_code(failed: &BTreeMap<&'static str, u64>) -> String {
    failed.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
}

/// A part of a whole, 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// gRPC's own name of a status code.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Duration, MOST_ENDPOINTS, Outcome, Pod, Tally};

    fn outcome(at: u64, code: Code, name: Option<&str>) -> Outcome {
        let served_by = name.map(|name| Pod { name: name.into(), address: "127.0.0.1:1".into() });
        let latency = Duration::from_millis(at);
        let at = Duration::from_secs(at);
        Outcome { started: at - latency, at, latency, code, served_by, failed_on: None }
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
        let pods =
            ["school-1", "school-2"].map(|name| Pod { name: name.into(), address: "127.0.0.9:1".into() });
        let summary = tally.summary("a:1", Duration::from_secs(2)).over_pods(&pods);
        let endpoints: Vec<_> = summary.endpoints.iter().map(|e| (e.pod.clone(), e.calls)).collect();
        assert_eq!(endpoints, [(pods[0].clone(), 1), (pods[1].clone(), 0)]);
    }

    #[test]
    fn a_call_without_an_answer_is_held_against_whom_it_was_on() {
        let mut tally = Tally::default();
        let late = |address: &str| Outcome {
            failed_on: Some(address.to_owned()),
            ..outcome(2, Code::DeadlineExceeded, None)
        };
        tally.on_outcome(outcome(1, Code::Ok, Some("school-1")));
        tally.on_outcome(late("127.0.0.1:1"));
        tally.on_outcome(late("127.0.0.9:1"));
        let summary = tally.summary("a:1", Duration::from_secs(3));
        let seen: Vec<_> = summary
            .endpoints
            .iter()
            .map(|endpoint| {
                (endpoint.pod.name.as_str(), endpoint.calls, endpoint.failed["DEADLINE_EXCEEDED"])
            })
            .collect();
        assert_eq!(seen, [("school-1", 1, 1), ("127.0.0.9:1", 0, 1)]);
        assert_eq!((summary.calls, summary.failures()), (3, 2));
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
        let endpoints: Vec<_> = summary.endpoints.iter().map(|e| (e.pod.name.as_str(), e.calls)).collect();
        assert_eq!(endpoints, [("school-2", 2), ("school-10", 1)], "in natural order");
        let first = &summary.endpoints[0];
        assert_eq!((first.first_call.as_secs(), first.last_call.as_secs()), (1, 3));
        assert_eq!(first.last_start, Duration::from_millis(2997));
        assert_eq!(first.failed.get("NOT_FOUND"), Some(&1));
        assert_eq!(first.latency.map(|latency| latency.max), Some(Duration::from_millis(3)));
        assert_eq!(summary.last_failed_start, Some(Duration::from_millis(4995)));
        assert!((first.share - 2.0 / 3.0).abs() < 1e-9, "shares are of answered calls");
    }
}

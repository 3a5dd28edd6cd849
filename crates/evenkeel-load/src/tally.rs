//! What came of a load's calls.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tonic::Code;

use crate::failures::Failures;
use crate::histogram::Histogram;

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
    /// Where it failed, without an answer or in the middle of one.
    pub(crate) failed_on: Option<Place>,
    /// What its status says; empty when it succeeded.
    pub(crate) message: String,
}

/// The connection that a call was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: String,
    /// When the newest connection to this address became READY, since the load's start, if that is known.
    pub(crate) connected: Option<Duration>,
}

/// Who answered a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pod {
    /// What it calls itself, else its address.
    pub name: String,
    /// The connection's peer: behind a ClusterIP not the pod's own.
    pub address: String,
}

/// The running count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    ok: u64,
    failed: BTreeMap<&'static str, u64>,
    /// Those of the failed calls that were on no connection.
    no_pod: Failures,
    last_failed_start: Option<Duration>,
    latencies: Histogram,
    endpoints: HashMap<Pod, EndpointTally>,
}

/// The count at one moment: what tables and documents are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Whom the load calls, as it was asked for.
    pub target: String,
    /// Since the load's start; of an interval, how long that was.
    pub elapsed: Duration,
    /// Calls that have ended.
    pub calls: u64,
    /// Those of them that succeeded.
    pub ok: u64,
    /// The others, by gRPC's code names.
    pub failed: BTreeMap<&'static str, u64>,
    /// Those of the failed calls that were on no connection.
    pub no_pod: Failures,
    /// When the last one of the failed calls started, since the load's start.
    pub last_failed_start: Option<Duration>,
    /// Of all calls; `None` before the first one has ended.
    pub latency: Option<Latencies>,
    /// The pods that were called, shorter names first; 512 at most, those that were silent for longest are forgotten.
    pub endpoints: Vec<EndpointSummary>,
}

/// What so many of the calls did not exceed, from scheduled start to end; up to 1 % too much, but for the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// Half of them.
    pub p50: Duration,
    /// 90 of 100.
    pub p90: Duration,
    /// 99 of 100.
    pub p99: Duration,
    /// 999 of 1,000.
    pub p999: Duration,
    /// All: the longest.
    pub max: Duration,
}

/// What came of the calls to one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSummary {
    /// Which pod.
    pub pod: Pod,
    /// Calls made to it that have ended, whether or not it answered.
    pub made: u64,
    /// Those of them that it answered, whatever the answer.
    pub answered: u64,
    /// Of all calls that were made to any pod, 0–1.
    pub share: f64,
    /// When the first call that it answered ended, since the load's start; zero without answers.
    pub first_call: Duration,
    /// When the last one did.
    pub last_call: Duration,
    /// When the last one of the calls that it answered started.
    pub last_start: Duration,
    /// Calls that failed on it, answered with an error or not at all.
    pub failed: Failures,
    /// Of the calls that it answered; `None` without answers.
    pub latency: Option<Latencies>,
}

#[derive(Debug, Default)]
struct EndpointTally {
    made: u64,
    answered: u64,
    failed: Failures,
    latencies: Histogram,
    /// When the last call made to it ended.
    last_end: Duration,
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
        let Some(pod) = self.pod_of(&outcome) else {
            if outcome.code != Code::Ok {
                self.no_pod.add(code_name(outcome.code), &outcome.message);
            }
            return;
        };
        if self.endpoints.len() >= MOST_ENDPOINTS && !self.endpoints.contains_key(&pod) {
            self.forget_one();
        }
        self.endpoints.entry(pod).or_default().on_outcome(&outcome);
    }

    /// Whose call it was: of the pod that answered it, else of whoever is known to stand behind the connection.
    fn pod_of(&self, outcome: &Outcome) -> Option<Pod> {
        let place = || outcome.failed_on.as_ref().map(|place| self.pod_at(place, outcome.started));
        outcome.served_by.clone().or_else(place)
    }

    /// Who is at the other end of this connection: the pod that answered a call which started on it. Who answered from the
    /// same address over an earlier connection may be another pod: then, and before the first answer, only the address is
    /// known.
    fn pod_at(&self, place: &Place, started: Duration) -> Pod {
        let address = &place.address;
        let here = place.connected.filter(|connected| started >= *connected).and_then(|connected| {
            let there = self.endpoints.iter().filter(|(pod, _)| pod.address == *address);
            let since = there.filter(|(_, tally)| tally.answered > 0 && tally.last_start >= connected);
            since.max_by_key(|(_, tally)| tally.last_start).map(|(pod, _)| pod.clone())
        });
        here.unwrap_or_else(|| Pod { name: address.clone(), address: address.clone() })
    }

    /// The pod that has been silent for longest.
    fn forget_one(&mut self) {
        let oldest = self.endpoints.iter().min_by_key(|(_, tally)| tally.last_end);
        if let Some(pod) = oldest.map(|(pod, _)| pod.clone()) {
            self.endpoints.remove(&pod);
        }
    }

    pub(crate) fn summary(&self, target: &str, elapsed: Duration) -> Summary {
        let made: u64 = self.endpoints.values().map(|e| e.made).sum();
        let mut endpoints: Vec<_> = self
            .endpoints
            .iter()
            .map(|(pod, tally)| EndpointSummary {
                pod: pod.clone(),
                made: tally.made,
                answered: tally.answered,
                share: share(tally.made, made),
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
            no_pod: self.no_pod.clone(),
            last_failed_start: self.last_failed_start,
            latency: latencies(&self.latencies),
            endpoints,
        }
    }
}

impl EndpointTally {
    fn on_outcome(&mut self, outcome: &Outcome) {
        self.made += 1;
        self.last_end = self.last_end.max(outcome.at);
        if outcome.code != Code::Ok {
            self.failed.add(code_name(outcome.code), &outcome.message);
        }
        if outcome.served_by.is_some() {
            self.on_answer(outcome.started, outcome.at, outcome.latency);
        }
    }

    fn on_answer(&mut self, started: Duration, at: Duration, latency: Duration) {
        self.first_call = if self.answered == 0 { at } else { self.first_call.min(at) };
        self.answered += 1;
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
        p999: all.quantile(0.999)?,
        max: all.max()?,
    })
}

impl EndpointSummary {
    /// A pod without a call.
    pub fn none(pod: Pod) -> Self {
        Self {
            pod,
            made: 0,
            answered: 0,
            share: 0.0,
            first_call: Duration::ZERO,
            last_call: Duration::ZERO,
            last_start: Duration::ZERO,
            failed: Failures::default(),
            latency: None,
        }
    }
}

impl Summary {
    /// Before the first call.
    pub fn none(target: &str) -> Self {
        Tally::default().summary(target, Duration::ZERO)
    }

    /// Calls that failed, whatever their codes.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The same with these pods as its endpoints, those without a call included.
    #[must_use]
    pub fn over_pods(mut self, pods: &[Pod]) -> Self {
        let of = |pod: &Pod| {
            let named = self.endpoints.iter().filter(|endpoint| endpoint.pod.name == pod.name);
            named.fold(EndpointSummary::none(pod.clone()), |sum, endpoint| EndpointSummary {
                made: sum.made + endpoint.made,
                answered: sum.answered + endpoint.answered,
                share: sum.share + endpoint.share,
                ..sum
            })
        };
        self.endpoints = pods.iter().map(of).collect();
        self
    }
}

/// Failed calls by code, in words: `NOT_FOUND 1, UNAVAILABLE 3`.
pub fn by_code(failed: &BTreeMap<&'static str, u64>) -> String {
    failed.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
}

/// A part of a whole, 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
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
mod tests;

//! Whether what was seen is what was claimed: pure, so that every claim is tested with what must break it.

use std::time::Duration;

use evenkeel_load::Timeline;
use serde::Serialize;

use crate::about::About;
use crate::cluster::Fault;
use crate::marks::Mark;

mod balance;
mod trouble;

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
    /// No call fails that starts later than `grace` after a pod was killed; the new pod is in within `bound`.
    SurvivesKill {
        grace: Duration,
        bound: Duration,
    },
    /// All pods are replaced one after another, each once the client has called the last new one: no call fails or
    /// takes over a second, each pod cuts none off, and each new pod is in within `bound`.
    SurvivesRestart {
        bound: Duration,
    },
    /// DNS fails in every way: no call fails, and once it is back the new pod is in within `spare` of the retry that
    /// the channel announced.
    OutlivesDns {
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
    pub(crate) kill: Option<KillSeen>,
    pub(crate) outage: Option<OutageSeen>,
}

/// What a kill led to; times count from it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KillSeen {
    /// When the last one of the failed calls started.
    pub(crate) last_failed_start: Duration,
    /// When the last call started that the killed pod answered.
    pub(crate) last_answered_start: Duration,
    /// When the new pod gave its first answer.
    pub(crate) new_pod_in: Option<Duration>,
}

/// How DNS failed and came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutageSeen {
    pub(crate) faults: Vec<FaultSeen>,
    /// The delays that the channel announced after each failed lookup, in order.
    pub(crate) retries: Vec<Duration>,
    /// How long after DNS was back the channel would ask at the latest, by its own announcement.
    pub(crate) asks_within: Option<Duration>,
}

/// One way in which DNS failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultSeen {
    pub(crate) fault: Fault,
    pub(crate) lasted: Duration,
    /// How often DNS was asked meanwhile, by its own count.
    pub(crate) questions: u64,
}

/// One pod's calls, counted at both ends.
#[derive(Clone, Debug, Default)]
pub struct PodCalls {
    /// What the pod calls itself.
    pub name: String,
    /// Where it listens: `127.0.77.100:50051`.
    pub address: String,
    /// By its own count.
    pub served: u64,
    /// By the client's, from the name in the answers.
    pub answered: u64,
    /// It came while the act was played.
    pub is_new: bool,
    /// For a new pod, from the act's first call to when clients could learn of it from DNS.
    pub came: Option<Duration>,
    /// For a new pod, from when clients could learn of it from DNS to its first answer.
    pub first_call: Option<Duration>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It was there to the end.
    #[default]
    Stands,
    /// It got SIGTERM and reported its own end.
    Drained {
        /// It cut no call off.
        is_clean: bool,
    },
    /// It got SIGKILL, so its count is what it said just before.
    Killed {
        /// How many answers of it the client had when it was asked.
        answered_before: u64,
    },
}

/// An act's outcome.
#[derive(Clone, Debug)]
pub struct Report {
    /// The act's name.
    pub id: &'static str,
    /// What it claims, in words.
    pub claim: String,
    /// What it is there for.
    pub about: About,
    /// Why the claim does not hold; nothing if it does.
    pub broken: Vec<String>,
    /// The numbers behind the verdict.
    pub figures: Figures,
    /// Every pod that the act has seen, in the order in which they came.
    pub pods: Vec<PodCalls>,
    /// Who answered when, and what happened meanwhile.
    pub(crate) timeline: Timeline,
    pub(crate) marks: Vec<Mark>,
}

/// The numbers behind a verdict. Times are in the unit that the name says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Calls that the client made.
    pub calls: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// What 99 of 100 calls took at most.
    pub p99_ms: f64,
    /// What the slowest call took.
    pub max_ms: f64,
    /// Whether each pod counted the calls that the client counted for it.
    pub counts_agree: bool,
    /// The most called pod's calls over the least called one's, where that is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_min_ratio: Option<f64>,
    /// For how long the new pods were watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched_s: Option<f64>,
    /// The channel's effective interval between lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<f64>,
    /// How long the last new pod waited for its first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_pods_after_s: Option<f64>,
    /// How long it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_s: Option<f64>,
    /// From a kill to the start of the last call that failed or that the killed pod answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub killed_pod_out_s: Option<f64>,
    /// From a kill to the new pod's first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_pod_in_s: Option<f64>,
    /// Calls that the killed pod answered after it was last asked for its count: no pod's calls hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncounted: Option<u64>,
    /// How many pods got SIGTERM, drained and cut no call off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drained: Option<usize>,
    /// For how long DNS failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage_s: Option<f64>,
    /// How many lookups failed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_lookups: Option<usize>,
}

impl Claim {
    /// Says everything that contradicts the claim.
    pub(crate) fn broken_by(&self, seen: &Observed) -> Vec<String> {
        let mut broken = Vec::new();
        if seen.calls == 0 {
            broken.push("no call was made".to_owned());
        }
        broken.extend(balance::disagreements(seen));
        match *self {
            Self::OnePodGetsAll => balance::one_pod_gets_all(seen, &mut broken),
            Self::Even { max_ratio } => balance::even(seen, max_ratio, &mut broken),
            Self::NewPodsGetNothing { watched } => balance::new_pods_get_nothing(seen, watched, &mut broken),
            Self::NewPodsWithin { .. } | Self::NewPodsWithinInterval { .. } => {
                balance::no_call_suffers(seen, &mut broken);
            }
            Self::SurvivesKill { grace, .. } => trouble::survives_kill(seen, grace, &mut broken),
            Self::SurvivesRestart { .. } => trouble::survives_restart(seen, &mut broken),
            Self::OutlivesDns { .. } => trouble::outlives_dns(seen, &mut broken),
        }
        match (self.bound(seen), self) {
            (Some(bound), _) => balance::new_pods_within(seen, bound, &mut broken),
            (None, Self::OnePodGetsAll | Self::Even { .. } | Self::NewPodsGetNothing { .. }) => {}
            (None, _) => broken.push("the channel did not say when it looks again".to_owned()),
        }
        broken
    }

    /// How long new pods may wait, if that is what is claimed.
    fn bound(&self, seen: &Observed) -> Option<Duration> {
        match *self {
            Self::NewPodsWithin { bound }
            | Self::SurvivesKill { bound, .. }
            | Self::SurvivesRestart { bound } => Some(bound),
            Self::NewPodsWithinInterval { spare } => seen.interval.map(|interval| interval + spare),
            Self::OutlivesDns { spare } => {
                seen.outage.as_ref().and_then(|outage| outage.asks_within).map(|asks| asks + spare)
            }
            Self::OnePodGetsAll | Self::Even { .. } | Self::NewPodsGetNothing { .. } => None,
        }
    }

    /// The figures that this claim is about.
    pub(crate) fn figures(&self, seen: &Observed) -> Figures {
        let seconds = |duration: Duration| round(duration.as_secs_f64());
        let milliseconds = |duration: Duration| round(duration.as_secs_f64() * 1e3);
        let is_even = matches!(self, Self::Even { .. });
        let waits: Option<Vec<_>> = balance::new_pods(seen).map(|pod| pod.first_call).collect();
        let drained = trouble::drained(seen);
        let outage = seen.outage.as_ref();
        Figures {
            calls: seen.calls,
            failed: seen.failed,
            p99_ms: milliseconds(seen.p99_latency),
            max_ms: milliseconds(seen.max_latency),
            counts_agree: balance::disagreements(seen).is_empty(),
            max_min_ratio: is_even.then(|| balance::ratio(seen, |pod| pod.served)).flatten().map(round),
            watched_s: seen.watched.map(seconds),
            interval_s: seen.interval.map(seconds),
            new_pods_after_s: waits.and_then(|waits| waits.into_iter().max()).map(seconds),
            bound_s: self.bound(seen).map(seconds),
            killed_pod_out_s: seen.kill.map(|kill| seconds(kill.out_after())),
            new_pod_in_s: seen.kill.and_then(|kill| kill.new_pod_in).map(seconds),
            uncounted: seen.kill.map(|_| trouble::uncounted(seen)),
            drained: (drained > 0).then_some(drained),
            outage_s: outage.map(|outage| seconds(outage.faults.iter().map(|fault| fault.lasted).sum())),
            failed_lookups: outage.map(|outage| outage.retries.len()),
        }
    }
}

impl PodCalls {
    /// What is special about it, in words; nothing where nothing is.
    pub fn note(&self) -> String {
        let came = match (self.is_new, self.first_call) {
            (false, _) => None,
            (true, None) => Some("new, no call".to_owned()),
            (true, Some(first)) => Some(format!("new, first call after {:.1} s", first.as_secs_f64())),
        };
        let went = match self.fate {
            Fate::Stands => None,
            Fate::Drained { .. } => Some("drained".to_owned()),
            Fate::Killed { .. } => Some("killed; its last count before".to_owned()),
        };
        came.into_iter().chain(went).collect::<Vec<_>>().join("; ")
    }
}

impl Report {
    pub(crate) fn new(id: &'static str, text: String, claim: Claim, seen: Observed) -> Self {
        let (broken, figures) = (claim.broken_by(&seen), claim.figures(&seen));
        let (timeline, marks) = (Timeline::default(), Vec::new());
        let about = About::default();
        Self { id, claim: text, about, broken, figures, pods: seen.pods, timeline, marks }
    }

    /// Nothing that was seen contradicts the claim.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// The part of all served calls that `pod` served, 0–1.
    pub fn share(&self, pod: &PodCalls) -> f64 {
        evenkeel_load::share(pod.served, self.pods.iter().map(|pod| pod.served).sum())
    }
}

/// To three decimals: figures are for reading.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;

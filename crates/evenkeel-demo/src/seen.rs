//! What was seen in an act: by the pods' counts, by the client's, and by the channel's own word.

use std::time::Duration;

use crate::cluster::Fault;

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
    pub(crate) answered: u64,
    pub(crate) is_new: bool,
    /// For a new pod, from the act's first call to when clients could learn of it from DNS.
    pub(crate) came: Option<Duration>,
    /// For a new pod, from when clients could learn of it from DNS to its first answer.
    pub(crate) first_call: Option<Duration>,
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

impl KillSeen {
    /// When the last call started that the killed pod answered or that failed.
    pub(crate) fn out_after(&self) -> Duration {
        self.last_failed_start.max(self.last_answered_start)
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

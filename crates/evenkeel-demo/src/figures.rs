//! The numbers behind a verdict.

use serde::Serialize;

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

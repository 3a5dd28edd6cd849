//! Documents for programs. A change that breaks a reader raises `SCHEMA_VERSION`; a new field does not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::demo::{Fate, Figures, Report};
use crate::load::{Latencies, Summary};

const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct LoadDocument<'a> {
    schema_version: u32,
    target: &'a str,
    duration_s: f64,
    calls: u64,
    ok: u64,
    failed: &'a BTreeMap<&'static str, u64>,
    latency_ms: LatencyDocument,
    endpoints: Vec<EndpointDocument<'a>>,
}

/// All `null` when no call has ended.
#[derive(Default, Serialize)]
struct LatencyDocument {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct EndpointDocument<'a> {
    name: &'a str,
    address: &'a str,
    calls: u64,
    share: f64,
    first_call_s: f64,
    last_call_s: f64,
}

#[derive(Serialize)]
struct DemoDocument<'a> {
    schema_version: u32,
    holds: bool,
    acts: Vec<ActDocument<'a>>,
}

#[derive(Serialize)]
struct ActDocument<'a> {
    id: &'a str,
    claim: &'a str,
    holds: bool,
    /// Only there when the claim does not hold.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    broken: &'a [String],
    figures: &'a Figures,
    pods: Vec<PodDocument<'a>>,
}

#[derive(Serialize)]
struct PodDocument<'a> {
    name: &'a str,
    address: &'a str,
    calls: u64,
    share: f64,
    /// Only there for a pod that did not live to the act's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
}

/// A load's outcome.
pub(crate) fn load(summary: &Summary) -> String {
    let endpoints = summary.endpoints.iter().map(|endpoint| EndpointDocument {
        name: &endpoint.pod.name,
        address: &endpoint.pod.address,
        calls: endpoint.calls,
        share: round(endpoint.share, 4),
        first_call_s: seconds(endpoint.first_call),
        last_call_s: seconds(endpoint.last_call),
    });
    document(&LoadDocument {
        schema_version: SCHEMA_VERSION,
        target: &summary.target,
        duration_s: seconds(summary.elapsed),
        calls: summary.calls,
        ok: summary.ok,
        failed: &summary.failed,
        latency_ms: summary.latency.map(LatencyDocument::from).unwrap_or_default(),
        endpoints: endpoints.collect(),
    })
}

/// The demo's outcome. The pods' calls are their own count; a killed one's is the last that it gave.
pub(crate) fn demo(reports: &[Report]) -> String {
    let acts = reports.iter().map(|report| ActDocument {
        id: report.id,
        claim: &report.claim,
        holds: report.holds(),
        broken: &report.broken,
        figures: &report.figures,
        pods: report
            .pods
            .iter()
            .map(|pod| PodDocument {
                name: &pod.name,
                address: &pod.address,
                calls: pod.served,
                share: round(report.share(pod), 4),
                end: match pod.fate {
                    Fate::Stands => None,
                    Fate::Drained { .. } => Some("drained"),
                    Fate::Killed { .. } => Some("killed"),
                },
            })
            .collect(),
    });
    let holds = reports.iter().all(Report::holds);
    document(&DemoDocument { schema_version: SCHEMA_VERSION, holds, acts: acts.collect() })
}

impl From<Latencies> for LatencyDocument {
    fn from(latencies: Latencies) -> Self {
        let milliseconds = |duration: Duration| Some(round(duration.as_secs_f64() * 1e3, 3));
        Self {
            p50: milliseconds(latencies.p50),
            p90: milliseconds(latencies.p90),
            p99: milliseconds(latencies.p99),
            max: milliseconds(latencies.max),
        }
    }
}

fn document(value: &impl Serialize) -> String {
    // Numbers, texts and lists cannot fail to be written; were it otherwise, the reader would see it.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn seconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64(), 3)
}

fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;

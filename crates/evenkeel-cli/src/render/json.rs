//! Documents for programs. A change that breaks a reader raises `SCHEMA_VERSION`; a new field does not.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_demo::{Fate, Figures, Report};
use evenkeel_load::{Connected, Failures, Latencies, Summary};
use serde::Serialize;

use crate::assess::Finding;

pub(super) const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct LoadDocument<'a> {
    schema_version: u32,
    /// Only there in a line of an interval: when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    target: &'a str,
    /// Only there at the end of a run: the wait before the first call, which `duration_s` does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<ConnectedDocument>,
    duration_s: f64,
    calls: u64,
    ok: u64,
    failed: &'a BTreeMap<&'static str, u64>,
    /// Those of the failed calls that were on no connection.
    no_pod: FailuresDocument<'a>,
    latency_ms: LatencyDocument,
    endpoints: Vec<EndpointDocument<'a>>,
    /// Only there at the end of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    assertions: Option<Vec<AssertionDocument<'a>>>,
}

#[derive(Serialize)]
struct ConnectedDocument {
    took_s: f64,
    endpoints: usize,
    ready: usize,
    failed: usize,
}

#[derive(Serialize)]
struct FailuresDocument<'a> {
    failed: &'a BTreeMap<&'static str, u64>,
    /// What the first one of each code said.
    messages: &'a BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct AssertionDocument<'a> {
    assert: String,
    holds: bool,
    /// What was seen instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    but: Option<&'a str>,
}

/// All `null` when no call has ended.
#[derive(Default, Serialize)]
struct LatencyDocument {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct EndpointDocument<'a> {
    name: &'a str,
    address: &'a str,
    /// Made to it, answered or not; of these is the share.
    calls: u64,
    answered: u64,
    share: f64,
    first_call_s: f64,
    last_call_s: f64,
    #[serde(flatten)]
    failures: FailuresDocument<'a>,
    latency_ms: LatencyDocument,
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
    /// `problem`, `remedy` or `trouble`.
    role: &'a str,
    meaning: &'a str,
    claim: &'a str,
    holds: bool,
    /// `holds` in the role's own words.
    verdict: &'a str,
    /// Only there when the claim does not hold.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    broken: &'a [String],
    /// The warnings that any client would log here; only there where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_warnings: Option<&'a str>,
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
pub(crate) fn load(summary: &Summary, connected: Connected, findings: &[Finding]) -> String {
    let assertions = findings.iter().map(|finding| AssertionDocument {
        assert: finding.assertion.to_string(),
        holds: finding.but.is_none(),
        but: finding.but.as_deref(),
    });
    let Connected { took, endpoints, ready, failed } = connected;
    let connected = ConnectedDocument { took_s: seconds(took), endpoints, ready, failed };
    document(&LoadDocument {
        connected: Some(connected),
        assertions: Some(assertions.collect()),
        ..load_document(summary)
    })
}

/// One interval of a load, in one line; its times count from the load's start.
pub(crate) fn interval(time: &str, summary: &Summary) -> String {
    line(&LoadDocument { time: Some(time), ..load_document(summary) })
}

fn load_document(summary: &Summary) -> LoadDocument<'_> {
    let endpoints = summary.endpoints.iter().map(|endpoint| EndpointDocument {
        name: &endpoint.pod.name,
        address: &endpoint.pod.address,
        calls: endpoint.made,
        answered: endpoint.answered,
        share: round(endpoint.share, 4),
        first_call_s: seconds(endpoint.first_call),
        last_call_s: seconds(endpoint.last_call),
        failures: FailuresDocument::from(&endpoint.failed),
        latency_ms: endpoint.latency.map(LatencyDocument::from).unwrap_or_default(),
    });
    LoadDocument {
        schema_version: SCHEMA_VERSION,
        time: None,
        target: &summary.target,
        connected: None,
        duration_s: seconds(summary.elapsed),
        calls: summary.calls,
        ok: summary.ok,
        failed: &summary.failed,
        no_pod: FailuresDocument::from(&summary.no_pod),
        latency_ms: summary.latency.map(LatencyDocument::from).unwrap_or_default(),
        endpoints: endpoints.collect(),
        assertions: None,
    }
}

/// The demo's outcome. The pods' calls are their own count; a killed one's is the last that it gave.
pub(crate) fn demo(reports: &[Report]) -> String {
    let acts = reports.iter().map(|report| ActDocument {
        id: report.id,
        role: report.about.role.word(),
        meaning: report.about.meaning,
        claim: &report.claim,
        holds: report.holds(),
        verdict: report.about.role.verdict(report.holds()),
        expected_warnings: report.about.expected,
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

impl<'a> From<&'a Failures> for FailuresDocument<'a> {
    fn from(failures: &'a Failures) -> Self {
        Self { failed: &failures.counts, messages: &failures.messages }
    }
}

impl From<Latencies> for LatencyDocument {
    fn from(latencies: Latencies) -> Self {
        let milliseconds = |duration: Duration| Some(round(duration.as_secs_f64() * 1e3, 3));
        Self {
            p50: milliseconds(latencies.p50),
            p90: milliseconds(latencies.p90),
            p99: milliseconds(latencies.p99),
            p999: milliseconds(latencies.p999),
            max: milliseconds(latencies.max),
        }
    }
}

/// A document in one line.
pub(super) fn line(value: &impl Serialize) -> String {
    // As below.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn document(value: &impl Serialize) -> String {
    // Numbers, texts and lists cannot fail to be written; were it otherwise, the reader would see it.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn seconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64(), 3)
}

fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;

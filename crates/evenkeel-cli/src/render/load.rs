//! A load for people: the table while it runs and when it is over, and the line of each interval.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::table::{Style, failures, heading, milliseconds, rate};
use crate::load::{EndpointSummary, Finding, Happened, Seen, Summary, by_code};

/// How many events stand below a table that is drawn anew.
const EVENTS: usize = 8;
/// The lines of a live table that are neither pods nor events: headings, blank lines, the line for what is left out.
const FRAME: usize = 9;
/// The cells of a bar that stands for everything.
const BAR: usize = 16;

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) seen: &'a Seen,
    /// While it runs.
    pub(crate) now: Option<&'a Now>,
}

/// What holds at one moment only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    /// Calls in flight, by the address of a connection that is READY.
    pub(crate) in_flight: BTreeMap<String, usize>,
    /// The lines that the screen has, if it says.
    pub(crate) height: Option<usize>,
}

/// One line of the table: as it will stand there.
#[derive(Debug, Default)]
struct Row {
    pod: String,
    address: String,
    state: String,
    in_flight: String,
    calls: String,
    share: f64,
    p50: String,
    p99: String,
    note: String,
}

/// The table of a load that runs, or has run.
pub(crate) fn table(view: View<'_>, style: Style) -> String {
    let summary = view.summary;
    let mut out = heading(summary, style);
    out.push('\n');
    let rows = rows(view);
    let room = view.now.and_then(|now| now.height).map_or(usize::MAX, |height| {
        height.saturating_sub(FRAME + EVENTS.min(view.seen.events.len())).max(1)
    });
    out.push_str(&pods(&rows, room, view.now.is_some(), style));
    if view.now.is_some() {
        out.push_str(&events(view.seen.events.iter().rev().take(EVENTS).rev(), style));
    } else {
        let _ = writeln!(out, "\n{}", happened(view.seen));
    }
    out
}

/// One interval, for logs.
pub(crate) fn line(time: &str, summary: &Summary, seen: &Seen) -> String {
    let plain = Style { colour: false };
    let latency = summary.latency.map_or(String::new(), |latency| {
        format!("  p50 {} ms  p99 {} ms", milliseconds(latency.p50), milliseconds(latency.p99))
    });
    let answering = summary.endpoints.iter().filter(|endpoint| endpoint.calls > 0);
    let shares: Vec<_> =
        answering.map(|endpoint| format!("{} {:.1} %", endpoint.pod.name, endpoint.share * 100.0)).collect();
    let noun = if shares.len() == 1 { "pod" } else { "pods" };
    let pods = if shares.is_empty() {
        "no pod".to_owned()
    } else {
        format!("{} {noun}: {}", shares.len(), shares.join(", "))
    };
    format!(
        "{time}  {} calls  {:.1}/s  {}{latency}  {pods}  [{}]\n",
        summary.calls,
        rate(summary),
        failures(summary, plain),
        happened(seen),
    )
}

/// The demands that were made, and how the run stands to them.
pub(crate) fn findings(findings: &[Finding], style: Style) -> String {
    let line = |finding: &Finding| match &finding.but {
        None => format!("{}  {}\n", style.verdict(true), finding.assertion),
        Some(but) => format!("{}  {}: {but}\n", style.verdict(false), finding.assertion),
    };
    findings.iter().map(line).collect()
}

/// The pods that answered, and after them the addresses that nobody has answered from.
fn rows(view: View<'_>) -> Vec<Row> {
    let answered =
        |address: &str| view.summary.endpoints.iter().any(|endpoint| endpoint.pod.address == address);
    let silent = view.seen.members.keys().filter(|address| view.now.is_some() && !answered(address));
    let pods = view.summary.endpoints.iter().map(|endpoint| row(view, endpoint));
    pods.chain(silent.map(|address| Row {
        pod: "-".to_owned(),
        calls: "0".to_owned(),
        ..connection(view, address)
    }))
    .collect()
}

fn row(view: View<'_>, endpoint: &EndpointSummary) -> Row {
    let address = &endpoint.pod.address;
    // Behind a ClusterIP several pods answer from one address, one after the other: the connection leads to the last.
    let same = view.summary.endpoints.iter().filter(|other| other.pod.address == *address);
    let is_last = same.map(|other| other.last_start).max() == Some(endpoint.last_start);
    let connection = if is_last { connection(view, address) } else { Row::default() };
    let latency = |of: fn(&crate::load::Latencies) -> Duration| {
        endpoint.latency.as_ref().map_or(String::new(), |latency| milliseconds(of(latency)))
    };
    let note = [by_code(&endpoint.failed), connection.note].into_iter().filter(|note| !note.is_empty());
    Row {
        pod: endpoint.pod.name.clone(),
        address: address.clone(),
        calls: endpoint.calls.to_string(),
        share: endpoint.share,
        p50: latency(|latency| latency.p50),
        p99: latency(|latency| latency.p99),
        note: note.collect::<Vec<_>>().join("   "),
        ..connection
    }
}

/// What is known of an address whoever answers from it.
fn connection(view: View<'_>, address: &str) -> Row {
    let row = Row { address: address.to_owned(), ..Row::default() };
    let Some(now) = view.now else { return row };
    let in_flight = now.in_flight.get(address).map_or(String::new(), usize::to_string);
    match view.seen.members.get(address) {
        None => Row { state: "gone".to_owned(), ..row },
        Some(member) => Row {
            state: if member.is_listed { member.state.to_string() } else { "leaving".to_owned() },
            in_flight,
            note: member.joined.map_or(String::new(), |at| format!("new since {:.1} s", at.as_secs_f64())),
            ..row
        },
    }
}

/// The table of pods, `room` lines of it at most: if they are more, the busiest.
fn pods(rows: &[Row], room: usize, is_live: bool, style: Style) -> String {
    let width = |cell: fn(&Row) -> &str, heading: &str| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).max(heading.len())
    };
    let (pod, address) = (width(|row| &row.pod, "POD"), width(|row| &row.address, "ADDRESS"));
    let state = width(|row| &row.state, "STATE");
    let live = |state_cell: &str, in_flight: &str| {
        if is_live { format!("  {state_cell:<state$}  {in_flight:>9}") } else { String::new() }
    };
    let mut out = format!(
        "{:<pod$}  {:<address$}{}  {:>9}  {:>7}  {:<BAR$}  {:>8}  {:>8}  {}\n",
        "POD",
        "ADDRESS",
        live("STATE", "IN-FLIGHT"),
        "CALLS",
        "SHARE",
        "",
        "P50 MS",
        "P99 MS",
        "FAILED, NOTES",
    );
    let mut shown: Vec<&Row> = rows.iter().collect();
    if shown.len() > room {
        shown.sort_by(|a, b| b.share.total_cmp(&a.share));
        shown.truncate(room);
    }
    for row in &shown {
        let line = format!(
            "{:<pod$}  {:<address$}{}  {:>9}  {:>5.1} %  {:<BAR$}  {:>8}  {:>8}  {}",
            row.pod,
            row.address,
            live(&row.state, &row.in_flight),
            row.calls,
            row.share * 100.0,
            style.bar(row.share, BAR),
            row.p50,
            row.p99,
            row.note,
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if rows.len() > shown.len() {
        let _ = writeln!(out, "and {} more", rows.len() - shown.len());
    }
    out
}

fn events<'a>(events: impl Iterator<Item = &'a Happened>, style: Style) -> String {
    let mut out = format!("\n{}\n", style.bold("events"));
    for Happened { at, text } in events {
        let _ = writeln!(out, "{:>8.1} s  {text}", at.as_secs_f64());
    }
    out
}

/// What happened, in sum.
fn happened(seen: &Seen) -> String {
    let tally = seen.tally;
    let counts = [
        (tally.lookups, "lookup", "lookups"),
        (tally.failed_lookups, "failed lookup", "failed lookups"),
        (tally.joined, "pod joined", "pods joined"),
        (tally.left, "pod left", "pods left"),
        (tally.goaways, "GOAWAY", "GOAWAYs"),
        (tally.lost, "connection lost", "connections lost"),
    ];
    let mut parts = counts.into_iter().filter(|(count, ..)| *count > 0).peekable();
    if parts.peek().is_none() {
        return "no events".to_owned();
    }
    let words = parts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

//! A load for people: the table while it runs and when it is over, and the line of each interval.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use evenkeel_load::{Connected, EndpointSummary, Happened, Latencies, Seen, Summary, share};

use super::columns::{Column, clipped, flow, table as columns};
use super::failed::{self, Room};
use super::table::{Style, failures, heading, milliseconds, rate};
use crate::assess::Finding;

/// How many events stand below a table that is drawn anew, and how many kinds of failure.
const EVENTS: usize = 8;
const FAILURES: usize = 4;
/// The lines of a table that is drawn anew beside its heading, its pods and its sections: the columns' names, the line for
/// what is left out, and the one that the cursor is on.
const FRAME: usize = 3;
/// A section's blank line and heading.
const ABOVE: usize = 2;
/// The cells of a bar that stands for everything.
const BAR: usize = 16;

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) seen: &'a Seen,
    /// How the wait for the endpoints went, or goes.
    pub(crate) connected: Connected,
    /// The columns of the terminal, if it is one.
    pub(crate) width: Option<usize>,
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
    in_flight: Option<usize>,
    made: u64,
    share: f64,
    p50: String,
    p99: String,
    failed: u64,
    note: String,
}

/// How many lines each part of a table that is drawn anew may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rooms {
    pods: usize,
    failures: usize,
    events: usize,
}

/// The table of a load that runs, or has run.
pub(crate) fn table(view: View<'_>, style: Style) -> String {
    let mut out = heading(view.summary, &[connected(view.connected)], view.width, style);
    out.push('\n');
    let rows = rows(view);
    let Some(now) = view.now else {
        out.push_str(&pods(&rows, usize::MAX, view, style));
        out.push_str(&failed::section(view.summary, Room::Enough, view.width, style));
        let _ = write!(out, "\n{}", flow(&happened(view.seen), view.width));
        return out;
    };
    let rooms = Rooms {
        pods: rows.len(),
        failures: failed::count(view.summary).min(FAILURES),
        events: view.seen.events.len().min(EVENTS),
    };
    let left = now.height.map(|height| height.saturating_sub(FRAME + out.lines().count()));
    let rooms = left.map_or(rooms, |left| rooms.within(left));
    out.push_str(&pods(&rows, rooms.pods, view, style));
    out.push_str(&failed::section(view.summary, Room::Lines(rooms.failures), view.width, style));
    if rooms.events > 0 {
        out.push_str(&events(view.seen.events.iter().rev().take(rooms.events).rev(), view.width, style));
    }
    out
}

impl Rooms {
    /// Half of the lines are the pods' where they need them; what is left over is theirs too.
    fn within(self, lines: usize) -> Self {
        let pods = self.pods.min((lines / 2).max(1));
        let mut left = lines.saturating_sub(pods);
        let mut take = |wanted: usize| {
            let got = wanted.min(left.saturating_sub(ABOVE));
            left -= if got > 0 { got + ABOVE } else { 0 };
            got
        };
        let (events, failures) = (take(self.events), take(self.failures));
        Self { pods: self.pods.min(pods + left), failures, events }
    }
}

/// How the wait for the endpoints went, or goes.
fn connected(connected: Connected) -> String {
    let Connected { took, ready, endpoints, failed } = connected;
    let noun = if endpoints == 1 { "endpoint" } else { "endpoints" };
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    match endpoints {
        0 => format!("no endpoint known after {:.2} s", took.as_secs_f64()),
        _ => format!("connected to {ready} of {endpoints} {noun} in {:.2} s{failed}", took.as_secs_f64()),
    }
}

/// One interval, for logs.
pub(crate) fn line(time: &str, summary: &Summary, seen: &Seen) -> String {
    let plain = Style { colour: false };
    let latency = summary.latency.map_or(String::new(), |latency| {
        format!("  p50 {} ms  p99 {} ms", milliseconds(latency.p50), milliseconds(latency.p99))
    });
    let called = summary.endpoints.iter().filter(|endpoint| endpoint.made > 0);
    let shares: Vec<_> =
        called.map(|endpoint| format!("{} {:.1} %", endpoint.pod.name, endpoint.share * 100.0)).collect();
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
        happened(seen).join(", "),
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

/// The pods that were called, and after them the addresses that no call went to.
fn rows(view: View<'_>) -> Vec<Row> {
    let called =
        |address: &str| view.summary.endpoints.iter().any(|endpoint| endpoint.pod.address == address);
    let silent = view.seen.members.keys().filter(|address| view.now.is_some() && !called(address));
    let pods = view.summary.endpoints.iter().map(|endpoint| row(view, endpoint));
    let silent = silent.map(|address| Row { pod: "-".to_owned(), ..connection(view, address) });
    let mut rows: Vec<Row> = pods.chain(silent).collect();
    // A call in flight was made too: a pod that hangs must not look as if it were spared.
    let made = |row: &Row| row.made + row.in_flight.unwrap_or(0) as u64;
    let all: u64 = rows.iter().map(made).sum();
    for row in &mut rows {
        row.share = share(made(row), all);
    }
    rows
}

fn row(view: View<'_>, endpoint: &EndpointSummary) -> Row {
    let address = &endpoint.pod.address;
    // Behind a ClusterIP several pods answer from one address, one after the other: the connection leads to the last.
    let same = view.summary.endpoints.iter().filter(|other| other.pod.address == *address);
    let last = same.reduce(|a, b| if b.last_start > a.last_start { b } else { a });
    let is_last = last.is_some_and(|last| last.pod == endpoint.pod);
    let connection = if is_last { connection(view, address) } else { Row::default() };
    let latency = |of: fn(&Latencies) -> Duration| {
        endpoint.latency.as_ref().map_or(String::new(), |latency| milliseconds(of(latency)))
    };
    Row {
        pod: endpoint.pod.name.clone(),
        address: address.clone(),
        made: endpoint.made,
        p50: latency(|latency| latency.p50),
        p99: latency(|latency| latency.p99),
        failed: endpoint.failed.counts.values().sum(),
        ..connection
    }
}

/// What is known of an address whoever answers from it.
fn connection(view: View<'_>, address: &str) -> Row {
    let row = Row { address: address.to_owned(), ..Row::default() };
    let Some(now) = view.now else { return row };
    match view.seen.members.get(address) {
        None => Row { state: "gone".to_owned(), ..row },
        Some(member) => Row {
            state: if member.is_listed { member.state.to_string() } else { "leaving".to_owned() },
            in_flight: now.in_flight.get(address).copied(),
            note: member.joined.map_or(String::new(), |at| format!("new since {:.1} s", at.as_secs_f64())),
            ..row
        },
    }
}

/// The table of pods, `room` lines of it at most: if they are more, the busiest.
fn pods(rows: &[Row], room: usize, view: View<'_>, style: Style) -> String {
    let mut shown: Vec<&Row> = rows.iter().collect();
    if shown.len() > room {
        shown.sort_by(|a, b| b.share.total_cmp(&a.share));
        shown.truncate(room);
    }
    let texts = |of: fn(&Row) -> String| shown.iter().map(move |row| of(row));
    let number = |count: Option<usize>| count.map_or(String::new(), |count| count.to_string());
    let bars = shown.iter().map(|row| style.bar(row.share, BAR));
    let in_flight = shown.iter().map(|row| number(row.in_flight));
    let mut all = vec![Column::words("POD", 0, texts(|row| row.pod.clone()))];
    all.push(Column::words("ADDRESS", 6, texts(|row| row.address.clone())));
    if view.now.is_some() {
        all.push(Column::words("STATE", 4, texts(|row| row.state.clone())));
        all.push(Column::numbers("IN-FLIGHT", 7, in_flight));
    }
    all.extend([
        Column::numbers("CALLS", 2, texts(|row| row.made.to_string())).at_least(9),
        Column::numbers("SHARE", 1, texts(|row| format!("{:.1} %", row.share * 100.0))).at_least(7),
        Column::words("", 10, bars).at_least(BAR),
        Column::numbers("P50 MS", 8, texts(|row| row.p50.clone())).at_least(8),
        Column::numbers("P99 MS", 5, texts(|row| row.p99.clone())).at_least(8),
        Column::numbers("FAILED", 3, texts(|row| row.failed.to_string())),
        Column::words("NOTES", 9, texts(|row| row.note.clone())),
    ]);
    let mut out = columns(all, view.width);
    if rows.len() > shown.len() {
        let _ = writeln!(out, "and {} more", rows.len() - shown.len());
    }
    out
}

fn events<'a>(events: impl Iterator<Item = &'a Happened>, width: Option<usize>, style: Style) -> String {
    let mut out = format!("\n{}\n", style.bold("events"));
    for Happened { at, text } in events {
        let _ = writeln!(out, "{}", clipped(&format!("{:>8.1} s  {text}", at.as_secs_f64()), width));
    }
    out
}

/// What happened, in sum.
fn happened(seen: &Seen) -> Vec<String> {
    let tally = seen.tally;
    let counts = [
        (tally.lookups, "lookup", "lookups"),
        (tally.failed_lookups, "failed lookup", "failed lookups"),
        (tally.joined, "pod joined", "pods joined"),
        (tally.left, "pod left", "pods left"),
        (tally.goaways, "GOAWAY", "GOAWAYs"),
        (tally.lost, "connection lost", "connections lost"),
    ];
    let happened = counts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<_> = happened
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    if words.is_empty() { vec!["no events".to_owned()] } else { words }
}

#[cfg(test)]
mod tests;

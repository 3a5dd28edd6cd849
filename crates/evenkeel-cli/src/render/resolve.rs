//! Answers of name resolution: side by side for people, as documents for programs, and changes line by line.

use std::fmt::Write;
use std::time::Duration;

use evenkeel::event::{DnsAnswer, DnsQuery};
use serde::Serialize;

use super::columns::{Column, clipped, table as columns_table};
use super::json::{SCHEMA_VERSION, document, line as json_line, seconds};
use super::table::{Style, milliseconds};
use crate::resolve::{Change, Found, Kind, Outcome, compare, verdict};

/// What stands left of the answers.
const LABELS: usize = 14;
/// An answer's column is at least so wide, or the answers stand below each other.
const NARROWEST: usize = 34;
const WIDEST: usize = 72;
/// The width of what is not printed on a terminal.
const PAGE: usize = 120;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    targets: Vec<TargetDocument<'a>>,
    /// Only there when one target sticks and another spreads.
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<String>,
}

#[derive(Serialize)]
struct TargetDocument<'a> {
    target: &'a str,
    endpoints: &'a [String],
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    ttl_s: Option<f64>,
    next_lookup_s: Option<f64>,
    verdict: &'static str,
    notes: Vec<String>,
    queries: Vec<QueryDocument<'a>>,
}

#[derive(Serialize)]
struct LineDocument<'a> {
    schema_version: u32,
    #[serde(flatten)]
    target: TargetDocument<'a>,
}

#[derive(Serialize)]
struct QueryDocument<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    record_type: &'a str,
    server: String,
    transport: &'static str,
    size: Option<usize>,
    truncated: bool,
    round_trip_ms: f64,
    /// One of a fixed set of words.
    answer: &'static str,
    /// The same for people.
    detail: String,
    addresses: Vec<String>,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    schema_version: u32,
    sequence: u64,
    time: &'a str,
    target: &'a str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    ttl_s: Option<f64>,
    next_lookup_s: Option<f64>,
}

/// Answers beside each other where there is room, and the questions that led to them.
///
/// Without `terminal` columns, a page's width is meant, and what is longer goes on beyond it.
pub(crate) fn table(all: &[Found], terminal: Option<usize>, style: Style) -> String {
    let width = terminal.unwrap_or(PAGE);
    let mut out = String::new();
    let columns = all.len().max(1);
    let column = (width.saturating_sub(LABELS) / columns).saturating_sub(2).min(WIDEST);
    if column >= NARROWEST {
        side_by_side(&mut out, all, column, style);
    } else {
        for found in all {
            let column = width.saturating_sub(LABELS).clamp(1, WIDEST);
            side_by_side(&mut out, std::slice::from_ref(found), column, style);
            out.push('\n');
        }
    }
    if let Some(words) = compare(all) {
        out.push('\n');
        for line in wrap(&words, terminal.unwrap_or(usize::MAX)) {
            let _ = writeln!(out, "{}", style.bold(&line));
        }
    }
    for found in all.iter().filter(|found| !found.questions.is_empty()) {
        let heading = clipped(&format!("questions for {}", found.target), terminal);
        let _ = writeln!(out, "\n{}", style.bold(&heading));
        out.push_str(&questions(&found.questions, terminal));
    }
    out
}

/// All answers in one document.
pub(crate) fn documents(all: &[Found]) -> String {
    let targets = all.iter().map(TargetDocument::from).collect();
    document(&Document { schema_version: SCHEMA_VERSION, targets, comparison: compare(all) })
}

/// One answer in one line.
pub(crate) fn line(found: &Found) -> String {
    json_line(&LineDocument { schema_version: SCHEMA_VERSION, target: found.into() })
}

/// One change, for people; `names` says which target's it is.
pub(crate) fn change_line(time: &str, change: &Change, names: bool) -> String {
    let what = match &change.kind {
        Kind::Added(endpoint) => format!("+ {endpoint}"),
        Kind::Removed(endpoint) => format!("- {endpoint}"),
        Kind::Absent(reason) => format!("~ no address: {reason}"),
        Kind::Failed(reason) => format!("~ {reason}"),
        Kind::Unchanged => "~ resolved again, unchanged".to_owned(),
    };
    let target = if names { format!("  {}", change.target) } else { String::new() };
    let ttl = change.ttl.map_or(String::new(), |ttl| format!("  TTL {} s", ttl.as_secs()));
    let next = change.next.map_or(String::new(), |next| format!("  next lookup in {}", short(next)));
    format!("{time}{target}  {what}{ttl}{next}\n")
}

/// One change, for programs.
pub(crate) fn change_json(time: &str, sequence: u64, change: &Change) -> String {
    let (kind, endpoint, reason) = match &change.kind {
        Kind::Added(endpoint) => ("added", Some(endpoint), None),
        Kind::Removed(endpoint) => ("removed", Some(endpoint), None),
        Kind::Absent(reason) => ("absent", None, Some(reason)),
        Kind::Failed(reason) => ("failed", None, Some(reason)),
        Kind::Unchanged => ("unchanged", None, None),
    };
    json_line(&ChangeDocument {
        schema_version: SCHEMA_VERSION,
        sequence,
        time,
        target: &change.target,
        change: kind,
        endpoint: endpoint.map(String::as_str),
        reason: reason.map(String::as_str),
        ttl_s: change.ttl.map(seconds),
        next_lookup_s: change.next.map(seconds),
    })
}

impl<'a> From<&'a Found> for TargetDocument<'a> {
    fn from(found: &'a Found) -> Self {
        let verdict = verdict(found);
        let (endpoints, reason): (&[String], _) = match &found.outcome {
            Outcome::Endpoints(endpoints) => (endpoints, None),
            Outcome::Absent(reason) | Outcome::Failed(reason) => (&[], Some(reason.as_str())),
            Outcome::Asking => (&[], None),
        };
        Self {
            target: &found.target,
            endpoints,
            reason,
            ttl_s: found.ttl().map(seconds),
            next_lookup_s: found.next.map(seconds),
            verdict: verdict.id,
            notes: verdict.sentences,
            queries: found.questions.iter().map(QueryDocument::from).collect(),
        }
    }
}

impl<'a> From<&'a DnsQuery> for QueryDocument<'a> {
    fn from(query: &'a DnsQuery) -> Self {
        let addresses = match &query.answer {
            DnsAnswer::Addresses { addresses, .. } => addresses.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self {
            name: &query.name,
            record_type: query.record_type,
            server: query.server.to_string(),
            transport: query.transport.as_str(),
            size: query.size,
            truncated: query.answer == DnsAnswer::Truncated,
            round_trip_ms: (query.round_trip.as_secs_f64() * 1e6).round() / 1e3,
            answer: word(&query.answer),
            detail: query.answer.to_string(),
            addresses,
        }
    }
}

/// What programs compare.
fn word(answer: &DnsAnswer) -> &'static str {
    match answer {
        DnsAnswer::Addresses { .. } => "addresses",
        DnsAnswer::NoRecords => "no_records",
        DnsAnswer::NxDomain => "nxdomain",
        DnsAnswer::Truncated => "truncated",
        DnsAnswer::ErrorCode(_) => "error_code",
        DnsAnswer::TimedOut => "timed_out",
        _ => "failed",
    }
}

fn side_by_side(out: &mut String, all: &[Found], width: usize, style: Style) {
    row(out, "", all, width, |found| vec![found.target.clone()]);
    if style.colour {
        // The line just written is the heading.
        let heading = style.bold(out.trim_end_matches('\n'));
        *out = format!("{heading}\n");
    }
    row(out, "endpoints", all, width, |found| match &found.outcome {
        Outcome::Endpoints(endpoints) => {
            [endpoints.len().to_string()].into_iter().chain(endpoints.iter().cloned()).collect()
        }
        Outcome::Absent(reason) | Outcome::Failed(reason) => vec!["none".to_owned(), reason.clone()],
        Outcome::Asking => vec!["asking…".to_owned()],
    });
    row(out, "TTL", all, width, |found| {
        vec![found.ttl().map_or("-".to_owned(), |ttl| format!("{} s remaining", ttl.as_secs()))]
    });
    row(out, "next lookup", all, width, |found| {
        vec![match found.next {
            Some(next) => format!("in {}", short(next)),
            None if found.outcome == Outcome::Asking => "-".to_owned(),
            None => "never: this answer is final".to_owned(),
        }]
    });
    row(out, "verdict", all, width, |found| verdict(found).sentences);
}

/// One line of labels, as high as its highest cell.
fn row(out: &mut String, label: &str, all: &[Found], width: usize, cell: impl Fn(&Found) -> Vec<String>) {
    let cells: Vec<Vec<String>> =
        all.iter().map(|found| cell(found).iter().flat_map(|text| wrap(text, width)).collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for index in 0..height {
        let label = if index == 0 { label } else { "" };
        let mut line = format!("{label:<LABELS$}");
        for cell in &cells {
            let text = cell.get(index).map_or("", String::as_str);
            let _ = write!(line, "{text:<width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// The words of `text` in lines of `width`; a word that is longer is broken.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let characters: Vec<char> = word.chars().collect();
        let pieces = characters.chunks(width).map(|piece| piece.iter().collect()).collect::<Vec<String>>();
        for (index, piece) in pieces.iter().enumerate() {
            let Some(last) = lines.last_mut() else { continue };
            if last.is_empty() {
                last.push_str(piece);
            } else if index == 0 && last.chars().count() + 1 + piece.chars().count() <= width {
                last.push(' ');
                last.push_str(piece);
            } else {
                lines.push(piece.clone());
            }
        }
    }
    lines
}

fn questions(queries: &[DnsQuery], terminal: Option<usize>) -> String {
    let texts = |of: fn(&DnsQuery) -> String| queries.iter().map(of);
    let mut columns = vec![
        Column::words("NAME", 0, texts(|query| query.name.clone())),
        Column::words("TYPE", 1, texts(|query| query.record_type.to_owned())).at_least(4),
        Column::words("SERVER", 4, texts(|query| query.server.to_string())),
        Column::words("OVER", 5, texts(|query| query.transport.as_str().to_owned())).at_least(4),
        Column::numbers(
            "BYTES",
            6,
            texts(|query| query.size.map_or("-".to_owned(), |size| size.to_string())),
        )
        .at_least(6),
        Column::numbers("TIME MS", 3, texts(|query| milliseconds(query.round_trip))).at_least(9),
    ];
    let answers = texts(|query| query.answer.to_string());
    // A list of addresses may be as long as it likes: the endpoints above say the same.
    let answers: Vec<String> = answers.map(|text| clipped(&text, terminal.map(|width| width / 2))).collect();
    columns.push(Column::words("ANSWER", 2, answers.into_iter()));
    columns_table(columns, terminal)
}

fn short(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests;

//! Tables for people.

use std::fmt::Write;
use std::time::Duration;

use evenkeel_demo::{Act, Report, Role, outcome};
use evenkeel_load::{Summary, by_code};

use super::columns::{clipped, flow};

/// The cells of a bar that stands for everything.
const BAR: usize = 24;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Colours; without them bars are plain ASCII too.
    pub(crate) colour: bool,
}

/// One line of a table of pods.
struct Row<'a> {
    name: &'a str,
    address: &'a str,
    calls: u64,
    share: f64,
    note: String,
}

/// What a load comes to: its target, what `more` there is to say of the whole, and its figures. A terminal's `width` breaks
/// lines between figures.
pub(super) fn heading(summary: &Summary, more: &[String], width: Option<usize>, style: Style) -> String {
    let mut out = format!("{}\n", style.bold(&clipped(&summary.target, width)));
    for line in more {
        let _ = writeln!(out, "{}", clipped(line, width));
    }
    let figures = [
        format!("{:.1} s", summary.elapsed.as_secs_f64()),
        format!("{} calls", summary.calls),
        format!("{:.0}/s", rate(summary)),
        format!("{} ok", summary.ok),
        failures(summary, style),
    ];
    out.push_str(&flow(&figures, width));
    if let Some(latency) = summary.latency {
        let [p50, p90, p99, max] = [latency.p50, latency.p90, latency.p99, latency.max].map(milliseconds);
        let figures = ["latency ms".to_owned(), format!("p50 {p50}"), format!("p90 {p90}")];
        let figures: Vec<_> =
            figures.into_iter().chain([format!("p99 {p99}"), format!("max {max}")]).collect();
        out.push_str(&flow(&figures, width));
    }
    out
}

/// Calls a second.
pub(super) fn rate(summary: &Summary) -> f64 {
    match summary.elapsed.as_secs_f64() {
        seconds if seconds > 0.0 => summary.calls as f64 / seconds,
        _ => 0.0,
    }
}

/// An act's load, running.
pub(crate) fn progress(summary: &Summary, style: Style) -> String {
    let mut out = heading(summary, &[], None, style);
    out.push('\n');
    let rows: Vec<_> = summary
        .endpoints
        .iter()
        .map(|endpoint| Row {
            name: &endpoint.pod.name,
            address: &endpoint.pod.address,
            calls: endpoint.answered,
            share: endpoint.share,
            note: String::new(),
        })
        .collect();
    out.push_str(&table(&rows, style));
    out
}

/// What stands above the running act's table.
pub(crate) fn act_heading(act: &Act, number: usize, of: usize, style: Style) -> String {
    let title = format!("act {number} of {of}: {} ({})", act.id, act.about.role.word());
    format!("{}\n{}\n\n", style.bold(&title), act.about.meaning)
}

/// An act that runs beside another, in one line.
pub(crate) fn meanwhile(act: &Act, summary: &Summary, style: Style) -> String {
    format!(
        "\nmeanwhile {}   {:.1} s   {} calls   {}\n",
        style.bold(act.id),
        summary.elapsed.as_secs_f64(),
        summary.calls,
        failures(summary, style),
    )
}

/// An act that is over.
pub(crate) fn act(report: &Report, style: Style) -> String {
    let mut out = String::new();
    let role = report.about.role;
    let _ = writeln!(
        out,
        "{}  {}: {}",
        style.bold(report.id),
        role.word(),
        style.act_verdict(role, report.holds())
    );
    for line in [report.about.meaning, &report.claim].into_iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(expected) = report.about.expected {
        let _ = writeln!(out, "  expected here: {expected}");
    }
    for broken in &report.broken {
        let _ = writeln!(out, "  but {broken}");
    }
    let _ = writeln!(out, "  {}", figures(report));
    out.push('\n');
    let rows: Vec<_> = report
        .pods
        .iter()
        .map(|pod| Row {
            name: &pod.name,
            address: &pod.address,
            calls: pod.served,
            share: report.share(pod),
            note: pod.note(),
        })
        .collect();
    out.push_str(&table(&rows, style));
    out.push('\n');
    out
}

/// The end of the demo.
pub(crate) fn demo(reports: &[Report], style: Style) -> String {
    let mut out = format!("{}\n", style.bold("summary"));
    for report in reports {
        let role = report.about.role;
        let verdict = style.act_verdict(role, report.holds());
        let _ = writeln!(out, "  {:<8} {:<20} {verdict}", role.word(), report.id);
    }
    let (line, by_role) = outcome(reports.iter().map(|report| (report.about.role, report.holds())));
    let _ = writeln!(out, "{line} ({by_role})");
    out
}

fn figures(report: &Report) -> String {
    let figures = &report.figures;
    let mut parts = vec![format!("{} calls", figures.calls), format!("{} failed", figures.failed)];
    parts.push(format!("max {:.2} ms", figures.max_ms));
    parts.extend(figures.max_min_ratio.map(|ratio| format!("max/min {ratio:.3}")));
    parts.extend(figures.drained.map(|pods| format!("{pods} drained")));
    parts.extend(figures.outage_s.map(|outage| format!("DNS out for {outage:.1} s")));
    parts.extend(figures.failed_lookups.map(|lookups| format!("{lookups} lookups failed")));
    parts.extend(figures.killed_pod_out_s.map(|after| format!("killed pod out after {after:.3} s")));
    parts.extend(figures.new_pod_in_s.map(|after| format!("new one in after {after:.2} s")));
    parts.extend(figures.interval_s.map(|interval| format!("interval {interval:.2} s")));
    match (figures.new_pods_after_s, figures.watched_s) {
        (Some(after), _) => parts.push(format!("new pods after {after:.2} s")),
        (None, Some(watched)) => parts.push(format!("new pods: none in {watched:.1} s")),
        (None, None) => {}
    }
    parts.extend(figures.bound_s.map(|bound| format!("allowed {bound:.2} s")));
    parts.join("   ")
}

fn table(rows: &[Row<'_>], style: Style) -> String {
    let width =
        |cell: for<'r> fn(&'r Row<'_>) -> &'r str| rows.iter().map(|row| cell(row).len()).max().unwrap_or(0);
    let (name, address) = (width(|row| row.name).max(3), width(|row| row.address).max(7));
    let mut out = format!("{:<name$}  {:<address$}  {:>9}  {:>7}\n", "POD", "ADDRESS", "CALLS", "SHARE");
    for Row { name: pod, address: at, calls, share, note } in rows {
        let line = format!(
            "{pod:<name$}  {at:<address$}  {calls:>9}  {:>5.1} %  {}  {note}",
            share * 100.0,
            style.bar(*share, BAR)
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

pub(super) fn failures(summary: &Summary, style: Style) -> String {
    match summary.failures() {
        0 => "0 failed".to_owned(),
        failed => style.paint("31", &format!("{failed} failed ({})", by_code(&summary.failed))),
    }
}

pub(super) fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

impl Style {
    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn verdict(self, holds: bool) -> String {
        if holds { self.paint("32", "holds") } else { self.paint("31", "DOES NOT HOLD") }
    }

    /// An act's verdict. A problem that is shown is no good news, so its colour and mark are not a remedy's.
    fn act_verdict(self, role: Role, as_claimed: bool) -> String {
        let words = role.verdict(as_claimed);
        let (colour, mark) = match (role, as_claimed) {
            (Role::Problem, true) => ("33", "▲"),
            (Role::Remedy, true) => ("32", "✓"),
            (Role::Trouble, true) => ("36", "◆"),
            (_, false) => ("31", "✗"),
        };
        let words = if as_claimed { words.to_owned() } else { words.to_uppercase() };
        if self.colour { self.paint(colour, &format!("{mark} {words}")) } else { words }
    }

    /// A share as a bar of up to `most` cells; anything above nothing shows at least one.
    pub(super) fn bar(self, share: f64, most: usize) -> String {
        let cells = if share > 0.0 { (share * most as f64).round().max(1.0) } else { 0.0 };
        if self.colour { "█".repeat(cells as usize) } else { "#".repeat(cells as usize) }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests;

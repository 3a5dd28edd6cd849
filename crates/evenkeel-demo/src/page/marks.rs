//! What happened, mark by mark: its line through the chart, and its words.

use std::fmt::Write;

use super::canvas::{HEIGHT, x};
use super::events::Event;
use super::model::{Mark, MarkKind};
use super::text::{escape, seconds};

/// A line at each mark. What was done to pods and DNS stands in a group of its own, which the overview shows too.
pub(super) fn lines(events: &[Event<'_>], number: usize, length: f64) -> String {
    let (causes, effects): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| matches!(event.kind, MarkKind::Pod | MarkKind::Dns));
    let lines = |events: Vec<&Event<'_>>| -> String {
        events.iter().flat_map(|event| &event.marks).map(|mark| line(mark, length)).collect()
    };
    format!("{}<g id=\"causes-{number}\">{}</g>", lines(effects), lines(causes))
}

/// A mark in words, escaped.
pub(super) fn described(mark: &Mark) -> String {
    format!("{} {}", seconds(mark.at.as_secs_f64()), escape(&mark.text))
}

/// The class of a line of this kind.
pub(super) fn class(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Pod => "pod",
        MarkKind::Dns => "dns",
        MarkKind::Resolved => "resolved",
        MarkKind::GoAway => "goaway",
    }
}

fn line(mark: &Mark, length: f64) -> String {
    let path = format!("M{} 0V{}", x(mark.at.as_secs_f64() / length), HEIGHT);
    let mut out = format!("<g><title>{}</title>", described(mark));
    let _ = write!(out, "<path class=\"halo\" d=\"{path}\"/>");
    let _ = write!(out, "<path class=\"line {}\" d=\"{path}\"/></g>", class(mark.kind));
    out
}

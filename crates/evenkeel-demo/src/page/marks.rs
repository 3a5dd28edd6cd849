//! What happened: marks that belong together as one event with one number, and their lines through the chart.

use std::fmt::Write;

use super::chart;
use super::model::{Mark, MarkKind, Timeline};
use super::text::{escape, seconds};

/// Marks of one kind that are no further apart than this part of the chart are one event: about as wide as a tag on a
/// phone.
pub(super) const NEAR: f64 = 0.05;

/// Marks of one kind that are close together: one number.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: MarkKind,
    /// In the order of time; never empty.
    pub(super) marks: Vec<&'a Mark>,
}

/// An act's events in the order of time.
pub(super) fn events(timeline: &Timeline, length: f64) -> Vec<Event<'_>> {
    let mut marks: Vec<_> = timeline.marks.iter().collect();
    marks.sort_by_key(|mark| mark.at);
    let mut events: Vec<Event<'_>> = Vec::new();
    for mark in marks {
        let is_near = |event: &&mut Event<'_>| {
            event.kind == mark.kind && mark.at.as_secs_f64() - event.from() <= length * NEAR
        };
        match events.iter_mut().rev().find(is_near) {
            Some(event) => event.marks.push(mark),
            None => events.push(Event { kind: mark.kind, marks: vec![mark] }),
        }
    }
    events
}

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
    let path = format!("M{} 0V{}", chart::x(mark.at.as_secs_f64() / length), chart::HEIGHT);
    let mut out = format!("<g><title>{}</title>", described(mark));
    let _ = write!(out, "<path class=\"halo\" d=\"{path}\"/>");
    let _ = write!(out, "<path class=\"line {}\" d=\"{path}\"/></g>", class(mark.kind));
    out
}

impl Event<'_> {
    /// When its first mark was, in seconds.
    pub(super) fn from(&self) -> f64 {
        self.marks.first().map_or(0.0, |mark| mark.at.as_secs_f64())
    }

    /// When its last one was.
    pub(super) fn to(&self) -> f64 {
        self.marks.last().map_or(0.0, |mark| mark.at.as_secs_f64())
    }

    /// What is said of all its marks, if that is one text.
    pub(super) fn text(&self) -> Option<&str> {
        let first = self.marks.first()?;
        self.marks.iter().all(|mark| mark.text == first.text).then_some(first.text.as_str())
    }
}

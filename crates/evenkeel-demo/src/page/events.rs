//! Marks that belong together as one event with one number.

use super::canvas::NEAR;
use super::model::{Mark, MarkKind, Timeline};

/// Marks of one kind that are close together: one number.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: MarkKind,
    /// In the order of time; never empty.
    pub(super) marks: Vec<&'a Mark>,
}

/// An act's events in the order of time: marks of one kind that are near one another are one.
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

//! What the page shows, as plain data.

use std::time::Duration;

pub(crate) use crate::about::{About, Role};
pub(crate) use crate::marks::{Kind as MarkKind, Mark};

/// The whole page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The program and its version: `evenkeel 0.1.0`.
    pub(crate) version: String,
    /// When the demo ran: `2026-11-24T20:41:07Z`.
    pub(crate) when: String,
    pub(crate) acts: Vec<ActView>,
}

/// One act.
#[derive(Clone, Debug)]
pub(crate) struct ActView {
    pub(crate) id: String,
    pub(crate) about: About,
    /// What is claimed, as a sentence.
    pub(crate) claim: String,
    pub(crate) holds: bool,
    /// Why the claim does not hold; nothing if it does.
    pub(crate) broken: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) pods: Vec<PodView>,
    pub(crate) timeline: Timeline,
}

/// A number that an act led to.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// `max/min`
    pub(crate) label: String,
    /// With its unit: `1.007`.
    pub(crate) value: String,
    /// What it is, in a few words.
    pub(crate) meaning: String,
}

/// One pod of an act.
#[derive(Clone, Debug)]
pub(crate) struct PodView {
    pub(crate) name: String,
    pub(crate) address: String,
    /// The same wherever this pod stands on the page.
    pub(crate) colour: usize,
    pub(crate) calls: u64,
    /// Of all calls of the act, 0–1.
    pub(crate) share: f64,
    /// What is special about it: `new, first call after 5.1 s; drained`.
    pub(crate) note: String,
}

/// What a chart is drawn from: answered calls per bucket and pod.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(crate) bucket: Duration,
    /// In the order of `ActView::pods`.
    pub(crate) pods: Vec<Series>,
    /// Calls that failed, per bucket.
    pub(crate) failed: Vec<u32>,
    pub(crate) marks: Vec<Mark>,
    /// How long calls went on; it may end within the last bucket.
    pub(crate) length: Duration,
}

/// The calls that one pod answered, per bucket.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) pod: String,
    pub(crate) colour: usize,
    pub(crate) answered: Vec<u32>,
}

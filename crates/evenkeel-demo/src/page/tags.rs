//! The numbered tags above a chart: where each one goes, which of them become one, and what fits beside them.

use std::fmt::Write;

use super::events::Event;
use super::marks::described;
use super::model::Mark;
use super::text::{css_percent, escape, unit};

/// The narrowest chart, in CSS pixels, on a phone, and from each width of the page at which `style.css` shows another
/// row.
pub(super) const PLOTS: [(&str, f64); 3] = [("narrow", 250.0), ("wide", 620.0), ("widest", 900.0)];
/// What a character and a tag's padding take, in CSS pixels.
const CHARACTER: f64 = 7.0;
const PADDING: f64 = 10.0;
/// What is left free between two tags, and around a text beside one.
const GAP: f64 = 4.0;

/// One tag: an event, or several that are too close to one another for a tag each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    /// Indices of its first and last event.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) text: String,
    /// In CSS pixels.
    pub(super) centre: f64,
    pub(super) width: f64,
}

/// On which side of its tag an event's text has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The tags for a chart that is `plot` CSS pixels wide: neighbours that would overlap become one.
pub(super) fn tags(events: &[Event<'_>], length: f64, plot: f64) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for index in 0..events.len() {
        let mut tag = Tag::new(events, index, index, length, plot);
        while let Some(before) = tags.pop_if(|before| before.overlaps(&tag)) {
            tag = Tag::new(events, before.first, tag.last, length, plot);
        }
        tags.push(tag);
    }
    tags
}

/// The rows of tags, one for each width; the style shows the one that fits.
pub(super) fn rows(events: &[Event<'_>], length: f64) -> String {
    let mut out = String::new();
    for (class, plot) in PLOTS {
        let tags = tags(events, length, plot);
        let sides = sides(events, &tags, plot);
        let _ = write!(out, "<div class=\"tags {class}\">");
        for (tag, side) in tags.iter().zip(sides) {
            let _ = write!(
                out,
                "<span class=\"spot\" style=\"--x:{};--w:{:.0}px\" title=\"{}\"><b class=\"tag\">{}</b>{}</span>",
                css_percent(tag.centre / plot),
                tag.width,
                title(events, tag),
                tag.text,
                said(events, tag, side),
            );
        }
        out.push_str("</div>");
    }
    out
}

/// Where each tag's event can be said in words without touching anything: after its tag, or else before it.
pub(super) fn sides(events: &[Event<'_>], tags: &[Tag], plot: f64) -> Vec<Option<Side>> {
    let mut taken = 0.0;
    let mut sides = Vec::new();
    for (index, tag) in tags.iter().enumerate() {
        let free = tags.get(index + 1).map_or(plot, Tag::left);
        let needed = text(events, tag).map(|text| text.chars().count() as f64 * CHARACTER + 2.0 * GAP);
        let side = match needed {
            Some(needed) if tag.right() + needed <= free => Some(Side::Right),
            Some(needed) if tag.left() - needed >= taken => Some(Side::Left),
            _ => None,
        };
        taken = if side == Some(Side::Right) { tag.right() + needed.unwrap_or(0.0) } else { tag.right() };
        sides.push(side);
    }
    sides
}

/// What a tag's one event was, if it has but one and one text says it.
fn text<'a>(events: &'a [Event<'_>], tag: &Tag) -> Option<&'a str> {
    if tag.first == tag.last { events.get(tag.first)?.text() } else { None }
}

fn said(events: &[Event<'_>], tag: &Tag, side: Option<Side>) -> String {
    let class = match side {
        Some(Side::Left) => "said left",
        Some(Side::Right) => "said right",
        None => return String::new(),
    };
    text(events, tag)
        .map_or_else(String::new, |text| format!("<span class=\"{class}\">{}</span>", escape(text)))
}

/// What hovering over a tag says: all its marks.
fn title(events: &[Event<'_>], tag: &Tag) -> String {
    let its = events.iter().take(tag.last + 1).skip(tag.first);
    let mut marks: Vec<&Mark> = its.flat_map(|event| event.marks.iter().copied()).collect();
    marks.sort_by_key(|mark| mark.at);
    marks.into_iter().map(described).collect::<Vec<_>>().join("; ")
}

impl Tag {
    fn new(events: &[Event<'_>], first: usize, last: usize, length: f64, plot: f64) -> Self {
        let its = events.get(first..=last).unwrap_or_default();
        let from = its.first().map_or(0.0, Event::from);
        let to = its.iter().map(Event::to).fold(from, f64::max);
        let text = match its {
            [event] if event.marks.len() > 1 => format!("{} ×{}", first + 1, event.marks.len()),
            [_] | [] => format!("{}", first + 1),
            _ => format!("{}–{}", first + 1, last + 1),
        };
        let width = text.chars().count() as f64 * CHARACTER + PADDING;
        // As `style.css` keeps it within the chart.
        let centre = unit(f64::midpoint(from, to) / length) * plot;
        Self { first, last, text, centre: centre.min(plot - width / 2.0).max(width / 2.0), width }
    }

    fn left(&self) -> f64 {
        self.centre - self.width / 2.0
    }

    fn right(&self) -> f64 {
        self.centre + self.width / 2.0
    }

    /// Whether it would touch `next`, which begins no earlier.
    fn overlaps(&self, next: &Self) -> bool {
        next.left() < self.right() + GAP
    }
}

//! Pods' names on their bands, where there is room for them.

use std::fmt::Write;

use super::events::Event;
use super::model::ActView;
use super::stack::{Stack, Step};
use super::text::{css_percent, escape};

/// The narrowest chart, in CSS pixels, on a phone and on a page that is wide; a name that fits only on the second is
/// hidden on a phone (`style.css`).
const PLOTS: [(&str, f64); 2] = [("name", 250.0), ("name roomy", 620.0)];
/// The part of a chart's height that a name takes there.
const LINE: f64 = 0.1;
/// Longer names are cut by the style.
const CHARACTERS: usize = 14;
/// What a character and a name's padding take, in CSS pixels.
const CHARACTER: f64 = 7.0;
const PADDING: f64 = 12.0;
/// Heights that differ by less than this part of the chart are the same: a name belongs into its band's middle, not
/// where one bucket has a call more.
const SAME: f64 = 0.04;

/// Every name that fits on its band.
pub(super) fn labels(act: &ActView, stack: &Stack, events: &[Event<'_>]) -> String {
    let mut out = String::new();
    let lines: Vec<f64> =
        events.iter().flat_map(|event| &event.marks).map(|mark| mark.at.as_secs_f64()).collect();
    for (series, steps) in act.timeline.pods.iter().zip(&stack.bands) {
        let characters = series.pod.chars().count().min(CHARACTERS) as f64;
        let width = characters * CHARACTER + PADDING;
        let place = PLOTS.into_iter().find_map(|(class, plot)| {
            best(steps, width / plot * stack.length, stack, &lines).map(|place| (class, place))
        });
        if let Some((class, (at, height))) = place {
            let _ = write!(
                out,
                "<span class=\"{class}\" style=\"left:{};bottom:{}\">{}</span>",
                css_percent(at / stack.length),
                css_percent(height / stack.top),
                escape(&series.pod),
            );
        }
    }
    out
}

/// Where the band is high enough for `needed` seconds: away from lines if it can be, then the highest such place, then
/// the one nearest to its middle.
fn best(steps: &[Step], needed: f64, stack: &Stack, lines: &[f64]) -> Option<(f64, f64)> {
    let middle = f64::midpoint(steps.first()?.from, steps.last()?.to);
    let place = |step: &Step| {
        let at = f64::midpoint(step.from, step.to);
        let (from, to) = (at - needed / 2.0, at + needed / 2.0);
        let (low, high) = room(steps, from, to)?;
        let height = (high - low) / stack.top;
        let is_clear = !lines.iter().any(|line| (from..to).contains(line));
        let rank = (is_clear, (height / SAME) as i32);
        (height >= LINE).then_some((rank, (at - middle).abs(), (at, f64::midpoint(low, high))))
    };
    let is_better = |(rank, away, _): &(_, f64, _), (other, other_away, _): &(_, f64, _)| {
        rank > other || (rank == other && away < other_away)
    };
    let better = |best, next| if is_better(&next, &best) { next } else { best };
    steps.iter().filter_map(place).reduce(better).map(|(_, _, place)| place)
}

/// What lies inside the band from `from` to `to`, if it has no gap there.
fn room(steps: &[Step], from: f64, to: f64) -> Option<(f64, f64)> {
    let within: Vec<_> = steps.iter().filter(|step| step.to > from && step.from < to).collect();
    let (first, last) = (within.first()?, within.last()?);
    let has_gap = last.slot - first.slot + 1 != within.len();
    if first.from > from || last.to < to || has_gap {
        return None;
    }
    let low = within.iter().map(|step| step.low).fold(0.0, f64::max);
    let high = within.iter().map(|step| step.high).fold(f64::INFINITY, f64::min);
    Some((low, high))
}

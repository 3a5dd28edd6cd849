//! Failed calls in a chart: striped, so that they are told apart without their colour, and counted.

use std::fmt::Write;

use super::canvas::{x, y};
use super::outline::outline;
use super::stack::{Failure, Stack, Step};
use super::text::css_percent;

/// How far stripes are from one another, in the drawing's units.
const STRIPE: f64 = 40.0;
/// The narrowest chart, in CSS pixels (`style.css`).
const PLOT: f64 = 250.0;
/// What a digit takes, and what a tag does without any, in CSS pixels.
const DIGIT: usize = 8;
const EMPTY_TAG: usize = 26;

/// What lies on top of the bands.
pub(super) fn drawing(stack: &Stack) -> String {
    if stack.failed.is_empty() {
        return String::new();
    }
    format!(
        "<g><title>failed calls</title><path class=\"lost\" d=\"{}\"/><path class=\"stripes\" d=\"{}\"/></g>",
        outline(&stack.failed, stack),
        stripes(&stack.failed, stack),
    )
}

/// How many calls failed, above where they did. Where two tags would touch on a phone, one says it for both.
pub(super) fn tags(stack: &Stack) -> String {
    let mut tags: Vec<Failure> = Vec::new();
    for failure in &stack.failures {
        let mut tag = *failure;
        while let Some(before) = tags.pop_if(|before| touch(before, &tag, stack.length)) {
            let (calls, high) = (before.calls + tag.calls, before.high.max(tag.high));
            tag = Failure { from: before.from, to: tag.to, calls, high };
        }
        tags.push(tag);
    }
    tags.iter().map(|failure| tag(failure, stack)).collect()
}

fn tag(failure: &Failure, stack: &Stack) -> String {
    format!(
        "<span class=\"fail\" style=\"--x:{};--y:{};--w:{}px\">✗ {}</span>",
        css_percent(failure.middle() / stack.length),
        css_percent(failure.high / stack.top),
        width(failure),
        failure.calls,
    )
}

fn touch(before: &Failure, next: &Failure, length: f64) -> bool {
    // An edge of the chart can push a tag by half of its width.
    let needed = (width(before) + width(next)) as f64 / PLOT * length;
    next.middle() - before.middle() < needed
}

fn width(failure: &Failure) -> usize {
    failure.calls.to_string().len() * DIGIT + EMPTY_TAG
}

/// Level lines from one side of each step to the other.
fn stripes(steps: &[Step], stack: &Stack) -> String {
    let mut out = String::new();
    for step in steps {
        let (from, to) = (x(step.from / stack.length), x(step.to / stack.length));
        let (low, high) = (f64::from(y(step.low / stack.top)), f64::from(y(step.high / stack.top)));
        let mut level = (low / STRIPE).floor() * STRIPE;
        while level > high {
            let _ = write!(out, "M{from} {level}H{to}");
            level -= STRIPE;
        }
    }
    out
}

//! The axes: where ticks are, and the labels beside the drawing.
//!
//! Labels are HTML over percentages, not SVG text: the drawing is stretched to its box, and text in it would be too.

use std::fmt::Write;

use super::text::css_percent;

/// More intervals than this make labels touch on a phone.
const MOST_SECONDS: f64 = 6.0;
/// Enough to read a height off.
const MOST_RATES: f64 = 3.0;
/// Beyond this part of the width a label in the middle of its tick would stick out.
const NEAR_END: f64 = 0.96;

/// Multiples of 1, 2 or 5 times a power of ten, from 0 up to `end`, at most `intervals` of them.
pub(super) fn ticks(end: f64, intervals: f64) -> Vec<f64> {
    let step = step(end, intervals);
    // Half a thousandth more, for an end that is a multiple but for its rounding.
    (0..=100_u8)
        .map(|index| f64::from(index) * step)
        .take_while(|tick| *tick <= end + step * 0.0005)
        .collect()
}

/// Where the lines behind rates go.
pub(super) fn rate_ticks(top: f64) -> Vec<f64> {
    ticks(top, MOST_RATES)
}

/// The labels below a chart of so many seconds.
pub(super) fn second_labels(length: f64) -> String {
    let mut out = String::from("<div class=\"xs\">");
    let step = step(length, MOST_SECONDS);
    for tick in ticks(length, MOST_SECONDS) {
        let class = if tick / length > NEAR_END { " class=\"end\"" } else { "" };
        let label = label(tick, step);
        let _ = write!(out, "<span{class} style=\"left:{}\">{label} s</span>", css_percent(tick / length));
    }
    out.push_str("</div>");
    out
}

/// The labels at the left of a chart that reaches up to `top` calls a second.
pub(super) fn rate_labels(top: f64) -> String {
    let mut out = String::from("<div class=\"ys\"><span class=\"unit\">calls/s</span>");
    let step = step(top, MOST_RATES);
    for tick in rate_ticks(top) {
        let _ =
            write!(out, "<span style=\"bottom:{}\">{}</span>", css_percent(tick / top), label(tick, step));
    }
    out.push_str("</div>");
    out
}

/// The smallest of 1, 2 and 5 times a power of ten that cuts `end` into at most `intervals`.
fn step(end: f64, intervals: f64) -> f64 {
    let least = end / intervals;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

/// A tick's number with the decimals that its step has.
fn label(tick: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    if tick == 0.0 { "0".to_owned() } else { format!("{tick:.decimals$}") }
}

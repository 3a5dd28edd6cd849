//! One act's chart: the drawing, and what lies over it in HTML.
//!
//! The drawing is stretched to whatever box there is, so lines have widths of their own (`non-scaling-stroke`) and all
//! text is HTML, in percentages of the box.

use std::fmt::Write;

use super::canvas::{HEIGHT, WIDTH, y};
use super::events::Event;
use super::model::{ActView, PodView};
use super::outline::outline;
use super::stack::Stack;
use super::style::series;
use super::text::{count, escape, percent, seconds};
use super::{axis, failures, marks, names, tags};

/// The chart of the act with this number.
pub(super) fn chart(act: &ActView, number: usize, stack: &Stack, events: &[Event<'_>]) -> String {
    let mut out = String::from("<figure>");
    out.push_str(&idle(act));
    let _ = write!(out, "<div class=\"plot\" role=\"img\" aria-label=\"{}\">", in_words(act, stack, events));
    out.push_str(&tags::rows(events, stack.length));
    out.push_str("<div class=\"area\">");
    out.push_str(&drawing(act, number, stack, events));
    out.push_str(&names::labels(act, stack, events));
    out.push_str(&failures::tags(stack));
    out.push_str(&axis::rate_labels(stack.top));
    out.push_str(&axis::second_labels(stack.length));
    out.push_str("</div></div>");
    if !act.about.look.is_empty() {
        let _ = write!(out, "<figcaption class=\"means\">{}</figcaption>", escape(act.about.look));
    }
    out.push_str("</figure>");
    out
}

/// The same bands again, small, with what was done to pods and DNS: they are drawn once, and looked up by their names.
pub(super) fn thumbnail(number: usize) -> String {
    format!(
        "<svg class=\"thumb\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <use href=\"#bands-{number}\"/><use href=\"#causes-{number}\"/></svg>"
    )
}

fn drawing(act: &ActView, number: usize, stack: &Stack, events: &[Event<'_>]) -> String {
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">");
    let _ = write!(out, "<g id=\"bands-{number}\">");
    for (index, steps) in stack.bands.iter().enumerate().filter(|(_, steps)| !steps.is_empty()) {
        let (class, title, path) = (band_colour(act, index), band_title(act, index), outline(steps, stack));
        let _ = write!(out, "<path class=\"band {class}\" d=\"{path}\"><title>{title}</title></path>");
    }
    out.push_str(&failures::drawing(stack));
    out.push_str("</g><g class=\"grid\">");
    for tick in axis::rate_ticks(stack.top) {
        let _ = write!(out, "<path d=\"M0 {}H{WIDTH}\"/>", y(tick / stack.top));
    }
    out.push_str("</g>");
    out.push_str(&marks::lines(events, number, stack.length));
    out.push_str("</svg>");
    out
}

/// The pods whose colours are looked for in vain, above the chart.
fn idle(act: &ActView) -> String {
    if act.pods.iter().all(|pod| pod.calls > 0) {
        return String::new();
    }
    let mut out = String::from("<p class=\"idle\"><b>No call:</b>");
    for pod in act.pods.iter().filter(|pod| pod.calls == 0) {
        let _ = write!(out, " <span class=\"absent {}\">{}</span>", series(pod.colour), escape(&pod.name));
    }
    out.push_str("</p>");
    out
}

fn band_colour(act: &ActView, index: usize) -> String {
    series(act.timeline.pods.get(index).map_or(index, |series| series.colour))
}

fn band_title(act: &ActView, index: usize) -> String {
    match (act.pods.get(index), act.timeline.pods.get(index)) {
        (Some(pod), _) => {
            format!("{}: {}, {}", escape(&pod.name), count(pod.calls, "call"), percent(pod.share))
        }
        (None, Some(series)) => escape(&series.pod),
        (None, None) => String::new(),
    }
}

/// What the chart shows, for those who do not see it.
fn in_words(act: &ActView, stack: &Stack, events: &[Event<'_>]) -> String {
    let (called, idle): (Vec<&PodView>, Vec<&PodView>) = act.pods.iter().partition(|pod| pod.calls > 0);
    let called: Vec<_> =
        called.iter().map(|pod| format!("{} {}", escape(&pod.name), percent(pod.share))).collect();
    let idle: Vec<_> = idle.iter().map(|pod| escape(&pod.name)).collect();
    let mut out = format!("Calls per second and pod over {}", seconds(stack.length));
    if !called.is_empty() {
        let _ = write!(out, ": {}", called.join(", "));
    }
    if !idle.is_empty() {
        let _ = write!(out, ". No call for {}", idle.join(", "));
    }
    let failed = stack.failures.iter().map(|failure| failure.calls).sum();
    let _ = write!(out, ". {} failed.", count(failed, "call"));
    if !events.is_empty() {
        let _ = write!(out, " {}, listed below.", count(events.len() as u64, "event"));
    }
    out
}

//! The list below a chart: what the numbers on its tags mean, and when calls failed.

use std::fmt::Write;

use super::events::Event;
use super::marks::{class, described};
use super::model::Mark;
use super::stack::{Failure, Stack};
use super::text::{count, escape, seconds, span};

/// Everything that happened, in the order of time.
pub(super) fn list(events: &[Event<'_>], stack: &Stack) -> String {
    if events.is_empty() && stack.failures.is_empty() {
        return "<p class=\"none\">None: nothing happens to pods and DNS here.</p>".to_owned();
    }
    let events = events.iter().enumerate().map(|(index, event)| (event.from(), event_item(event, index + 1)));
    let failures = stack.failures.iter().map(|failure| (failure.from, failure_item(failure)));
    let mut items: Vec<(f64, String)> = events.chain(failures).collect();
    items.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let items: String = items.into_iter().map(|(_, item)| item).collect();
    format!("<ol class=\"events\">{items}</ol>")
}

fn event_item(event: &Event<'_>, number: usize) -> String {
    let (class, time) = (class(event.kind), span(event.from(), event.to()));
    let mut out = format!("<li><span class=\"no\"><b>{number}</b>");
    let _ = write!(
        out,
        "<svg class=\"sample\" viewBox=\"0 0 8 18\" aria-hidden=\"true\">\
         <path class=\"line {class}\" d=\"M4 0V18\"/></svg>\
         </span><span class=\"at\">{time}</span><span>"
    );
    match &event.marks[..] {
        [mark] => out.push_str(&escape(&mark.text)),
        marks => {
            let _ = write!(out, "<b>×{}</b> {}", marks.len(), texts(event).join("; "));
        }
    }
    out.push_str("</span></li>");
    out
}

/// Every text once, with how often it was said and, where that is not all one moment, when first.
fn texts(event: &Event<'_>) -> Vec<String> {
    let mut said: Vec<(&Mark, usize)> = Vec::new();
    for mark in &event.marks {
        match said.iter_mut().find(|(other, _)| other.text == mark.text) {
            Some((_, times)) => *times += 1,
            None => said.push((mark, 1)),
        }
    }
    let needs_no_time = event.text().is_some() || seconds(event.from()) == seconds(event.to());
    let text = |(mark, times): &(&Mark, usize)| {
        let text = if needs_no_time { escape(&mark.text) } else { described(mark) };
        // The number of all marks stands before them.
        if *times == 1 || said.len() == 1 { text } else { format!("{text} (×{times})") }
    };
    said.iter().map(text).collect()
}

fn failure_item(failure: &Failure) -> String {
    format!(
        "<li><span class=\"no\"><i class=\"key failed\"></i></span><span class=\"at\">{}</span>\
         <span>{} failed</span></li>",
        span(failure.from, failure.to),
        count(failure.calls, "call"),
    )
}

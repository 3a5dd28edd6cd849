//! One act's section.

use std::fmt::Write;

use super::model::{ActView, PodView};
use super::stack::Stack;
use super::style::series;
use super::text::{css_percent, escape, percent};
use super::{chart, list, marks};

/// Its anchor.
pub(super) fn anchor(number: usize) -> String {
    format!("act-{number}")
}

/// Whether a claim holds, in words with a sign.
pub(super) fn verdict(holds: bool) -> String {
    let (class, sign, words) = if holds {
        ("holds", "M2 6.5 5 9.5 10 3", "holds")
    } else {
        ("broken", "M3 3 9 9M9 3 3 9", "does not hold")
    };
    format!(
        "<span class=\"verdict {class}\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path d=\"{sign}\"/></svg>\
         {words}</span>"
    )
}

/// The section of the act with this number.
pub(super) fn section(act: &ActView, number: usize) -> String {
    let stack = Stack::new(&act.timeline);
    let events = marks::events(&act.timeline, stack.length);
    let anchor = anchor(number);
    let mut out = format!("<section id=\"{anchor}\" aria-labelledby=\"{anchor}-title\">");
    let _ = write!(
        out,
        "<header><h2 id=\"{anchor}-title\"><span class=\"number\">{number}</span> {}</h2>{}</header>",
        escape(&act.id),
        verdict(act.holds),
    );
    let _ = write!(out, "<p class=\"claim\">{}</p>", escape(&act.claim));
    if !act.broken.is_empty() {
        let reasons: String = act.broken.iter().map(|why| format!("<li>{}</li>", escape(why))).collect();
        let _ = write!(out, "<div class=\"but\"><h3>Why it does not hold</h3><ul>{reasons}</ul></div>");
    }
    out.push_str(&chart::chart(act, number, &stack, &events));
    out.push_str(&figures(&act.figures));
    out.push_str("<div class=\"columns\"><div><h3>Pods</h3>");
    out.push_str(&pods(act));
    out.push_str("</div><div><h3>Events</h3>");
    out.push_str(&list::list(&events, &stack));
    out.push_str("</div></div></section>");
    out
}

fn figures(figures: &[(String, String)]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut out = String::from("<dl>");
    for (label, value) in figures {
        let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escape(label), escape(value));
    }
    out.push_str("</dl>");
    out
}

fn pods(act: &ActView) -> String {
    if act.pods.is_empty() {
        return "<p class=\"none\">None.</p>".to_owned();
    }
    let mut out = format!(
        "<table><caption class=\"unseen\">Calls of each pod in {}</caption><thead><tr><th scope=\"col\">pod</th>\
         <th scope=\"col\" class=\"n\">calls</th><th scope=\"col\" colspan=\"2\">share</th></tr></thead><tbody>",
        escape(&act.id)
    );
    for (index, pod) in act.pods.iter().enumerate() {
        out.push_str(&row(pod, index));
    }
    out.push_str("</tbody></table>");
    out
}

fn row(pod: &PodView, index: usize) -> String {
    let class = series(index);
    let hollow = if pod.calls == 0 { " hollow" } else { "" };
    let about: Vec<_> = [&pod.address, &pod.note]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| escape(text))
        .collect();
    format!(
        "<tr><th scope=\"row\"><i class=\"key{hollow} {class}\"></i>{}<small>{}</small></th>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"share\"><i class=\"bar\"><i class=\"{class}\" style=\"width:{}\"></i></i></td></tr>",
        escape(&pod.name),
        about.join("<br>"),
        pod.calls,
        percent(pod.share),
        css_percent(pod.share),
    )
}

//! One act's section.

use std::fmt::Write;

use super::events::events;
use super::model::{ActView, Figure, PodView, Role};
use super::stack::Stack;
use super::style::series;
use super::text::{css_percent, escape, percent};
use super::{chart, list};

/// Its anchor.
pub(super) fn anchor(number: usize) -> String {
    format!("act-{number}")
}

/// What came of an act, in its role's words, with a sign and a colour of its own: a problem that is shown is no good news.
pub(super) fn verdict(role: Role, as_claimed: bool) -> String {
    let words = role.verdict(as_claimed);
    let (class, sign) = match (role, as_claimed) {
        (Role::Problem, true) => ("shown", "M6 1.5 11 10.5H1ZM6 5V7.5M6 8.6V9.4"),
        (Role::Remedy, true) => ("holds", "M2 6.5 5 9.5 10 3"),
        (Role::Trouble, true) => {
            ("survived", "M6 1 10.5 2.5V6C10.5 8.5 8.5 10.3 6 11 3.5 10.3 1.5 8.5 1.5 6V2.5Z")
        }
        (_, false) => ("broken", "M3 3 9 9M9 3 3 9"),
    };
    format!(
        "<span class=\"verdict {class}\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path d=\"{sign}\"/></svg>\
         {words}</span>"
    )
}

/// The section of the act with this number.
pub(super) fn section(act: &ActView, number: usize) -> String {
    let stack = Stack::new(&act.timeline);
    let events = events(&act.timeline, stack.length);
    let anchor = anchor(number);
    let mut out = format!("<section id=\"{anchor}\" aria-labelledby=\"{anchor}-title\">");
    let _ = write!(
        out,
        "<header><h2 id=\"{anchor}-title\"><span class=\"number\">{number}</span> {}</h2>\
         <span class=\"role\">{}</span>{}</header>",
        escape(&act.id),
        act.about.role.word(),
        verdict(act.about.role, act.holds),
    );
    let _ = write!(out, "<p class=\"meaning\">{}</p>", escape(act.about.meaning));
    let _ = write!(out, "<p class=\"claim\"><b>Claim:</b> {}.</p>", escape(&act.claim));
    if let Some(expected) = act.about.expected {
        let _ = write!(out, "<p class=\"expected\"><b>Expected here:</b> {}.</p>", escape(expected));
    }
    if !act.broken.is_empty() {
        let reasons: String = act.broken.iter().map(|why| format!("<li>{}</li>", escape(why))).collect();
        let _ = write!(out, "<div class=\"but\"><h3>What contradicts the claim</h3><ul>{reasons}</ul></div>");
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

fn figures(figures: &[Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut out = String::from("<dl>");
    for Figure { label, value, meaning } in figures {
        let (label, value, meaning) = (escape(label), escape(value), escape(meaning));
        let _ = write!(
            out,
            "<div><dt>{label}</dt><dd class=\"value\">{value}</dd><dd class=\"means\">{meaning}</dd></div>"
        );
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
    for pod in &act.pods {
        out.push_str(&row(pod));
    }
    out.push_str("</tbody></table>");
    out
}

fn row(pod: &PodView) -> String {
    let class = series(pod.colour);
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

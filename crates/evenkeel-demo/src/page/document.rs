//! The page around the acts: its head, what it is about, and the way to each act.

use std::fmt::Write;

use super::model::{ActView, Page};
use super::style::STYLE;
use super::text::{count, escape};
use super::{act, chart};
use crate::about::outcome;

/// Nothing may be loaded or run; the style stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole document. The same outcome gives the same one, byte by byte.
pub(super) fn document(page: &Page) -> String {
    let outcome = outcome(page.acts.iter().map(|act| (act.about.role, act.holds)));
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let _ = writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    let _ = writeln!(
        out,
        "<title>evenkeel demo: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
        outcome.0
    );
    out.push_str(&top(page, &outcome));
    out.push_str("<main>\n");
    out.push_str(&overview(page));
    for (index, act) in page.acts.iter().enumerate() {
        out.push_str(&act::section(act, index + 1));
        out.push('\n');
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn top(page: &Page, (outcome, by_role): &(String, String)) -> String {
    let class = if page.acts.iter().all(|act| act.holds) { "holds" } else { "broken" };
    format!(
        "<header class=\"top\"><h1>evenkeel demo</h1><p class=\"outcome {class}\">{outcome}</p>\
         <p class=\"roles\">{by_role}</p>\
         <p class=\"lead\">What a gRPC client saw while it called the pods of one Kubernetes Service, and pods and DNS \
         changed around it.</p><p class=\"made\">{}, {}</p></header>\n",
        escape(&page.version),
        escape(&page.when),
    )
}

fn overview(page: &Page) -> String {
    let mut out = String::from("<nav aria-labelledby=\"overview\"><h2 id=\"overview\">Acts</h2>");
    out.push_str(
        "<p class=\"how\">Each colour is one pod, and a name has the same colour in every act. Its band is as high as the calls per second that it answered; all \
         bands together are all answered calls. Lines are what happened meanwhile.</p><ol>",
    );
    for (index, act) in page.acts.iter().enumerate() {
        let number = index + 1;
        let _ = write!(
            out,
            "<li><a href=\"#{}\">{}<span class=\"title\"><span class=\"number\">{number}</span> {}</span><span class=\"role\">{}</span>{}{}</a></li>",
            act::anchor(number),
            chart::thumbnail(number),
            escape(&act.id),
            act.about.role.word(),
            without_calls(act),
            act::verdict(act.about.role, act.holds),
        );
    }
    out.push_str("</ol></nav>\n");
    out
}

/// What a picture cannot show: the pods that are not in it.
fn without_calls(act: &ActView) -> String {
    match act.pods.iter().filter(|pod| pod.calls == 0).count() {
        0 => String::new(),
        idle => format!(
            "<span class=\"few\">{idle} of {} got no call</span>",
            count(act.pods.len() as u64, "pod")
        ),
    }
}

//! From what was seen to what is drawn.

use evenkeel_load::Timeline;

use super::document::document;
use super::model::{self, ActView, Figure, Page, PodView, Series};
use super::style::Colours;
use crate::figures::Figures;
use crate::report::Report;

/// The demo's outcome as one HTML page that needs nothing but itself: no script, no image, no network.
///
/// It says by which program it was made (`evenkeel 0.1.0`) and `when` the demo ran (`2026-11-24T20:41:07Z`). The same
/// outcome gives the same page, byte by byte.
pub fn page(reports: &[Report], version: &str, when: &str) -> String {
    document(&Page { version: version.to_owned(), when: when.to_owned(), acts: acts(reports) })
}

/// A pod has one colour on the whole page, by its name.
fn acts(reports: &[Report]) -> Vec<ActView> {
    let mut colours = Colours::default();
    reports.iter().map(|report| act(report, &mut colours)).collect()
}

fn act(report: &Report, colours: &mut Colours) -> ActView {
    let pods = report.pods.iter().map(|pod| PodView {
        colour: colours.of(&pod.name),
        name: pod.name.clone(),
        address: pod.address.clone(),
        calls: pod.served,
        share: report.share(pod),
        note: pod.note(),
    });
    let pods = pods.collect();
    ActView {
        id: report.id.to_owned(),
        about: report.about,
        claim: report.claim.clone(),
        holds: report.holds(),
        broken: report.broken.clone(),
        figures: figures(&report.figures),
        pods,
        timeline: timeline(report, colours),
    }
}

fn timeline(report: &Report, colours: &mut Colours) -> model::Timeline {
    let pods = report.pods.iter().map(|pod| Series {
        colour: colours.of(&pod.name),
        pod: pod.name.clone(),
        answered: report.timeline.answered.get(&pod.name).cloned().unwrap_or_default(),
    });
    let marks = report.marks.iter().filter(|mark| mark.at <= report.timeline.length);
    model::Timeline {
        bucket: Timeline::BUCKET,
        pods: pods.collect(),
        failed: report.timeline.failed.clone(),
        marks: marks.cloned().collect(),
        length: report.timeline.length,
    }
}

/// Label, value and meaning of each figure that the act has.
fn figures(figures: &Figures) -> Vec<Figure> {
    let fixed = [
        ("calls", figures.calls.to_string(), "made in this act"),
        ("failed", figures.failed.to_string(), "calls that ended with an error"),
        ("p99", milliseconds(figures.p99_ms), "99 of 100 calls were no slower"),
        ("max", milliseconds(figures.max_ms), "the slowest call"),
    ];
    let figure = |(label, value, meaning): (&str, String, &str)| Figure {
        label: label.to_owned(),
        value,
        meaning: meaning.to_owned(),
    };
    fixed.into_iter().chain(of_some_acts(figures)).map(figure).collect()
}

fn of_some_acts(figures: &Figures) -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let watched = figures.watched_s.filter(|_| figures.new_pods_after_s.is_none());
    let optional = [
        (
            "max/min",
            figures.max_min_ratio.map(|ratio| format!("{ratio:.3}")),
            "calls of the most called pod over those of the least called one; 1 is even",
        ),
        ("pods drained", figures.drained.map(|pods| pods.to_string()), "stopped and cut no call off"),
        ("DNS failed for", figures.outage_s.map(seconds), "in all three ways together"),
        (
            "lookups failed",
            figures.failed_lookups.map(|lookups| lookups.to_string()),
            "the client asked and learnt nothing",
        ),
        (
            "killed pod out after",
            figures.killed_pod_out_s.map(|out| format!("{out:.3} s")),
            "from the kill to the last call that met the killed pod",
        ),
        ("new pod in after", figures.new_pod_in_s.map(seconds), "from the kill to its first answer"),
        (
            "interval between lookups",
            figures.interval_s.map(seconds),
            "how long the client waited to ask DNS again",
        ),
        (
            "new pods after",
            figures.new_pods_after_s.map(seconds),
            "from being in DNS to the first call, for the slowest",
        ),
        ("new pods watched for", watched.map(seconds), "how long they were in DNS"),
        ("allowed", figures.bound_s.map(seconds), "the longest wait that the claim admits"),
    ];
    optional.into_iter().filter_map(|(label, value, meaning)| Some((label, value?, meaning)))
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

fn milliseconds(value: f64) -> String {
    format!("{value:.2} ms")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::page;
    use crate::marks::{Kind as MarkKind, Mark};
    use crate::samples;

    #[test]
    fn what_was_seen_is_on_the_page() {
        let mut reports = samples::reports().to_vec();
        reports.push(samples::trouble());
        reports[0].timeline.length = Duration::from_secs(2);
        reports[0].timeline.answered.insert("school-1".to_owned(), vec![25; 8]);
        let mark = |at, text: &str| Mark { at, kind: MarkKind::Pod, text: text.to_owned() };
        reports[0].marks =
            vec![mark(Duration::from_secs(1), "school-2 in DNS"), mark(Duration::from_secs(60), "too late")];
        let page = page(&reports, "evenkeel 0.1.0", "1970-01-01T00:00:00Z");
        for text in [
            "evenkeel 0.1.0",
            "1970-01-01",
            "ttl-refresh",
            "school-2 in DNS",
            "new, first call after 4.2 s",
            "killed; its last count before",
            "new pods after",
            "there was no new pod",
            "A pod dies.",
            "Look at its band.",
            "a warning",
            "1 of 3 acts went as claimed",
            "127.0.9.2:50051",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("too late"), "the act was over");
    }

    #[test]
    fn a_pod_keeps_its_colour_wherever_it_stands() {
        let mut reports = samples::reports().to_vec();
        reports[1].pods.reverse();
        let acts = super::acts(&reports);
        let colours = |act: &super::ActView| -> std::collections::BTreeSet<_> {
            let rows = act.pods.iter().map(|pod| (pod.name.clone(), pod.colour));
            rows.chain(act.timeline.pods.iter().map(|series| (series.pod.clone(), series.colour))).collect()
        };
        assert_eq!(colours(&acts[0]).len(), 2, "one colour for each of two pods");
        assert_eq!(colours(&acts[0]), colours(&acts[1]));
    }
}

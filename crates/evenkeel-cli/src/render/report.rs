//! The demo's outcome as a page: from what was seen to what `html` draws.

use std::time::SystemTime;

use super::html::{self, ActView, Page, PodView, Series};
use super::table::note;
use super::utc;
use crate::demo::{Figures, Report};
use crate::load::Timeline;

/// The page; `when` is when the demo ran.
pub(crate) fn page(reports: &[Report], when: SystemTime) -> String {
    html::render(&Page {
        version: concat!("evenkeel ", env!("CARGO_PKG_VERSION")).to_owned(),
        when: utc(when),
        acts: reports.iter().map(act).collect(),
    })
}

fn act(report: &Report) -> ActView {
    let pods = report.pods.iter().map(|pod| PodView {
        name: pod.name.clone(),
        address: pod.address.clone(),
        calls: pod.served,
        share: report.share(pod),
        note: note(pod),
    });
    ActView {
        id: report.id.to_owned(),
        claim: report.claim.clone(),
        holds: report.holds(),
        broken: report.broken.clone(),
        figures: figures(&report.figures),
        pods: pods.collect(),
        timeline: timeline(report),
    }
}

fn timeline(report: &Report) -> html::Timeline {
    let pods = report.pods.iter().map(|pod| Series {
        pod: pod.name.clone(),
        answered: report.timeline.answered.get(&pod.name).cloned().unwrap_or_default(),
    });
    let marks = report.marks.iter().filter(|mark| mark.at <= report.timeline.length);
    html::Timeline {
        bucket: Timeline::BUCKET,
        pods: pods.collect(),
        failed: report.timeline.failed.clone(),
        marks: marks.cloned().collect(),
        length: report.timeline.length,
    }
}

/// Label and value of each figure that the act has.
fn figures(figures: &Figures) -> Vec<(String, String)> {
    let seconds = |value: f64| format!("{value:.2} s");
    let milliseconds = |value: f64| format!("{value:.2} ms");
    let optional = [
        ("max/min", figures.max_min_ratio.map(|ratio| format!("{ratio:.3}"))),
        ("pods drained", figures.drained.map(|pods| pods.to_string())),
        ("DNS failed for", figures.outage_s.map(seconds)),
        ("lookups failed", figures.failed_lookups.map(|lookups| lookups.to_string())),
        ("killed pod out after", figures.killed_pod_out_s.map(|out| format!("{out:.3} s"))),
        ("new pod in after", figures.new_pod_in_s.map(seconds)),
        ("interval between lookups", figures.interval_s.map(seconds)),
        ("new pods after", figures.new_pods_after_s.map(seconds)),
        (
            "new pods watched for",
            figures.watched_s.filter(|_| figures.new_pods_after_s.is_none()).map(seconds),
        ),
        ("allowed", figures.bound_s.map(seconds)),
    ];
    let fixed = [
        ("calls", figures.calls.to_string()),
        ("failed", figures.failed.to_string()),
        ("p99", milliseconds(figures.p99_ms)),
        ("max", milliseconds(figures.max_ms)),
    ];
    let present = optional.into_iter().filter_map(|(label, value)| Some((label, value?)));
    fixed.into_iter().chain(present).map(|(label, value)| (label.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::page;
    use crate::demo::{Mark, MarkKind};
    use crate::render::samples;

    #[test]
    fn what_was_seen_is_on_the_page() {
        let mut reports = samples::reports().to_vec();
        reports.push(samples::trouble());
        reports[0].timeline.length = Duration::from_secs(2);
        reports[0].timeline.answered.insert("school-1".to_owned(), vec![25; 8]);
        let mark = |at, text: &str| Mark { at, kind: MarkKind::Pod, text: text.to_owned() };
        reports[0].marks =
            vec![mark(Duration::from_secs(1), "school-2 in DNS"), mark(Duration::from_secs(60), "too late")];
        let page = page(&reports, UNIX_EPOCH);
        for text in [
            "1970-01-01",
            "ttl-refresh",
            "school-2 in DNS",
            "new, first call after 4.2 s",
            "killed; its last count before",
            "new pods after",
            "there was no new pod",
            "127.0.9.2:50051",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("too late"), "the act was over");
    }
}

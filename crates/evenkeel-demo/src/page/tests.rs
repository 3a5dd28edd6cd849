use std::collections::BTreeSet;
use std::time::Duration;

use super::document::document as render;
use super::model::{About, ActView, Figure, Mark, MarkKind, Page, PodView, Role, Series, Timeline};

mod colours;
mod drawing;
mod marks;

const BUCKET: Duration = Duration::from_millis(250);

fn mark(at_ms: u64, kind: MarkKind, text: &str) -> Mark {
    Mark { at: Duration::from_millis(at_ms), kind, text: text.to_owned() }
}

/// An act in which each pod answered so many calls per bucket.
fn act(length_ms: u64, answered: &[&[u32]], marks: Vec<Mark>) -> ActView {
    let total: u32 = answered.iter().copied().flatten().sum();
    let pods = answered.iter().enumerate().map(|(index, counts)| {
        let calls: u32 = counts.iter().sum();
        PodView {
            name: format!("school-{}", index + 1),
            address: format!("127.0.1.{}:50051", index + 1),
            colour: index,
            calls: u64::from(calls),
            share: f64::from(calls) / f64::from(total),
            note: String::new(),
        }
    });
    let pods: Vec<_> = pods.collect();
    let series = pods.iter().zip(answered);
    let series = series.map(|(pod, counts)| Series {
        pod: pod.name.clone(),
        colour: pod.colour,
        answered: counts.to_vec(),
    });
    let timeline = Timeline {
        bucket: BUCKET,
        pods: series.collect(),
        failed: Vec::new(),
        marks,
        length: Duration::from_millis(length_ms),
    };
    ActView {
        id: "headless".to_owned(),
        about: About { meaning: "It means.", look: "Look.", ..About::default() },
        claim: "the pods share evenly".to_owned(),
        holds: true,
        broken: Vec::new(),
        figures: vec![figure("calls", &total.to_string())],
        pods,
        timeline,
    }
}

fn figure(label: &str, value: &str) -> Figure {
    Figure { label: label.to_owned(), value: value.to_owned(), meaning: label.to_owned() }
}

fn page(acts: Vec<ActView>) -> Page {
    Page { version: "evenkeel 0.1.0".to_owned(), when: "2026-11-24 20:41 UTC".to_owned(), acts }
}

/// What stands between `before` and `after`, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(found, _)| found).collect()
}

#[test]
fn an_act_without_buckets_or_pods_has_no_impossible_numbers() {
    let mut nothing =
        act(0, &[], vec![mark(0, MarkKind::Dns, "DNS is silent"), mark(9, MarkKind::Pod, "late")]);
    nothing.timeline.bucket = Duration::ZERO;
    let mut uncalled = act(2500, &[&[], &[0; 10]], Vec::new());
    uncalled.pods[0].share = f64::NAN;
    uncalled.pods[1].share = f64::INFINITY;
    let mut unequal = act(2500, &[&[25; 10]], Vec::new());
    unequal.pods.clear();
    let html = render(&page(vec![nothing, uncalled, unequal]));
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    assert_eq!(html.matches("<td class=\"n\">0.0\u{a0}%</td>").count(), 2, "what is no number is no share");
    assert_eq!(html.matches("left:0.00%\">0 s</span>").count(), 3, "every chart has its axis");
    assert_eq!(html.matches("role=\"img\"").count(), 3);
    assert!(render(&page(Vec::new())).contains("0 of 0 acts went as claimed"));
}

/// The page without its texts and without what stands in quotes: all that a name must not be able to change.
fn skeleton(html: &str) -> String {
    let (mut inside, mut quoted) = (false, false);
    let keep = |character: &char| {
        match character {
            '<' if !inside => inside = true,
            '>' if inside && !quoted => inside = false,
            '"' if inside => quoted = !quoted,
            _ => return inside && !quoted,
        }
        true
    };
    html.chars().filter(keep).collect()
}

#[test]
fn names_from_processes_cannot_become_markup() {
    let with = |name: &str| {
        let mut act = act(2000, &[&[25; 8], &[0; 8]], vec![mark(500, MarkKind::Pod, name)]);
        (act.id, act.claim) = (name.to_owned(), name.to_owned());
        act.figures = vec![figure(name, name)];
        for (pod, series) in act.pods.iter_mut().zip(&mut act.timeline.pods) {
            for text in [&mut pod.name, &mut pod.address, &mut pod.note, &mut series.pod] {
                *text = name.to_owned();
            }
        }
        (act.holds, act.broken) = (false, vec![name.to_owned()]);
        let mut page = page(vec![act]);
        (page.version, page.when) = (name.to_owned(), name.to_owned());
        render(&page)
    };
    for hostile in
        ["\"><script>alert(1)</script>", "' onload='x", "</style><b>", "&lt;", "<!--", "a\u{202e}b\0c\x1b[1m"]
    {
        let html = with(hostile);
        let harmless = with(&"x".repeat(hostile.chars().count()));
        assert_eq!(skeleton(&html), skeleton(&harmless), "{hostile:?}");
        assert!(!html.contains(hostile) && !html.contains(['\u{202e}', '\0', '\x1b']), "{hostile:?}");
    }
    assert!(with("<&>\"'").contains("&lt;&amp;&gt;&quot;&#39;"));
}

#[test]
fn the_page_loads_nothing_and_is_the_same_each_time() {
    let marks = vec![mark(500, MarkKind::GoAway, "school-1 sent GOAWAY")];
    let page = page(vec![act(2000, &[&[25; 8], &[0; 8]], marks); 8]);
    let html = render(&page);
    for loader in ["http://", "https://", "url(", "<script", "@import", "src=", "<link", "<img", "<iframe"] {
        assert!(!html.contains(loader), "{loader}");
    }
    assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    assert_eq!(html, render(&page));
}

#[test]
fn the_verdict_is_said_in_words() {
    let holding = act(2000, &[&[25; 8]], Vec::new());
    let mut broken = holding.clone();
    (broken.holds, broken.broken) = (false, vec!["max/min is 1.4".to_owned()]);
    let html = render(&page(vec![holding, broken]));
    assert!(html.contains("<title>evenkeel demo: 1 of 2 acts went as claimed</title>"));
    assert!(html.contains("does not hold</span>") && html.contains("<li>max/min is 1.4</li>"));
}

#[test]
fn roles_are_told_apart_in_words_and_signs() {
    let acts = Role::ALL.map(|role| {
        let mut act = act(2000, &[&[25; 8]], Vec::new());
        act.about.role = role;
        act
    });
    let html = render(&page(acts.to_vec()));
    let verdicts: BTreeSet<_> = between(&html, "<span class=\"verdict ", "</span>").into_iter().collect();
    assert_eq!(verdicts.len(), Role::ALL.len(), "{verdicts:?}");
    for role in Role::ALL {
        assert!(html.contains(&format!("<span class=\"role\">{}</span>", role.word())));
        assert!(html.contains(&format!("{}</span>", role.verdict(true))));
    }
}

#[test]
fn acts_charts_and_numbers_say_what_they_mean() {
    let html = render(&page(vec![act(2000, &[&[25; 8]], Vec::new()); 3]));
    assert_eq!(html.matches("<p class=\"meaning\">It means.</p>").count(), 3);
    assert_eq!(html.matches("<figcaption class=\"means\">Look.</figcaption>").count(), 3);
    assert_eq!(html.matches("<dd class=\"means\">").count(), html.matches("<dt>").count());
}

#[test]
fn every_part_can_be_found_without_seeing_it() {
    let html = render(&page(vec![act(2000, &[&[25; 8], &[0; 8]], Vec::new()); 8]));
    assert!(between(&html, "<th", ">").iter().all(|th| th.contains("scope=") || th.starts_with("ead")));
    let words = "aria-label=\"Calls per second and pod over 2.0\u{a0}s: school-1 100.0\u{a0}%. No call for school-2. \
                 0 calls failed.\"";
    assert_eq!(html.matches(words).count(), 8, "{html}");
    let ids = between(&html, " id=\"", "\"");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "ids are unique");
    for target in between(&html, "href=\"#", "\"") {
        assert!(ids.contains(&target), "{target} is nowhere");
    }
}

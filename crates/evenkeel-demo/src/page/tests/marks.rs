//! Marks: where they are, and which become one.

use super::{act, mark, page, render};
use crate::page::events::events;
use crate::page::model::MarkKind;
use crate::page::tags::{PLOTS, Side, sides, tags};

#[test]
fn a_mark_is_drawn_where_it_happened() {
    let marks =
        vec![mark(2000, MarkKind::Pod, "school-4 in DNS"), mark(6000, MarkKind::Resolved, "4 addresses")];
    let html = render(&page(vec![act(8000, &[&[25; 32]], marks)]));
    assert!(html.contains("<path class=\"line pod\" d=\"M2500 0V2000\"/>"));
    assert!(html.contains("<path class=\"line resolved\" d=\"M7500 0V2000\"/>"));
    for at in ["--x:25.00%", "--x:75.00%"] {
        assert_eq!(html.matches(at).count(), PLOTS.len(), "a tag at {at} for each width");
    }
    assert!(html.contains("title=\"2.0\u{a0}s school-4 in DNS\"><b class=\"tag\">1</b>"));
    assert!(html.contains("<b class=\"tag\">1</b><span class=\"said right\">school-4 in DNS</span>"));
}

#[test]
fn marks_that_would_overlap_share_a_tag_that_says_them_all() {
    let goaway = |at, pod: u8| mark(at, MarkKind::GoAway, &format!("school-{pod} sent GOAWAY"));
    let marks = vec![
        goaway(4000, 1),
        goaway(4100, 2),
        mark(4050, MarkKind::Resolved, "5 addresses"),
        goaway(9000, 3),
    ];
    let act = act(10_000, &[&[25; 40]], marks);
    let events = events(&act.timeline, 10.0);
    let texts: Vec<_> = tags(&events, 10.0, 250.0).into_iter().map(|tag| tag.text).collect();
    assert_eq!(texts, ["1–2", "3"]);
    let html = render(&page(vec![act.clone()]));
    let all = "4.0\u{a0}s school-1 sent GOAWAY; 4.0\u{a0}s 5 addresses; 4.1\u{a0}s school-2 sent GOAWAY";
    assert!(html.contains(&format!("title=\"{all}\"><b class=\"tag\">1–2</b></span>")), "{html}");
    assert!(
        html.contains(
            "<b>×2</b> 4.0\u{a0}s school-1 sent GOAWAY; 4.1\u{a0}s school-2 sent GOAWAY</span></li>"
        )
    );

    let mut act = act;
    act.timeline.marks = vec![goaway(4000, 1), goaway(4010, 1), goaway(4020, 1)];
    let html = render(&page(vec![act]));
    assert!(html.contains("<b class=\"tag\">1 ×3</b>"), "one kind at one time is one number with a count");
    assert!(html.contains("<b>×3</b> school-1 sent GOAWAY</span>"), "what is always the same is said once");
}

#[test]
fn tags_and_the_texts_beside_them_never_touch_nor_leave_the_chart() {
    let kinds = [MarkKind::Pod, MarkKind::Dns, MarkKind::Resolved, MarkKind::GoAway];
    for seed in 1..200_u64 {
        let count = seed % 31;
        let at = |index: u64| (index * index * seed * 7919) % 25_001;
        let marks = (0..count).map(|index| {
            mark(at(index), kinds[(index * seed % 4) as usize], &"x".repeat((index * seed % 40) as usize))
        });
        let act = act(25_000, &[&[25; 100]], marks.collect());
        let events = events(&act.timeline, 25.0);
        assert_eq!(events.iter().map(|event| event.marks.len() as u64).sum::<u64>(), count);
        for (_, plot) in PLOTS {
            let tags = tags(&events, 25.0, plot);
            let numbers: Vec<_> = tags.iter().flat_map(|tag| tag.first..=tag.last).collect();
            assert_eq!(numbers, (0..events.len()).collect::<Vec<_>>(), "every event has one tag");
            let mut taken = 0.0;
            for (tag, side) in tags.iter().zip(sides(&events, &tags, plot)) {
                let said = events[tag.first].text().unwrap_or_default().chars().count() as f64 * 7.0;
                let (left, right) = (tag.centre - tag.width / 2.0, tag.centre + tag.width / 2.0);
                let left = if side == Some(Side::Left) { left - said } else { left };
                assert!(left >= taken, "seed {seed}: {tag:?} begins before {taken}");
                taken = if side == Some(Side::Right) { right + said } else { right };
                assert!(taken <= plot, "seed {seed}: {tag:?} leaves the chart");
            }
        }
    }
}

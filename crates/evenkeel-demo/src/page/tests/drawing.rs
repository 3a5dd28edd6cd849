//! Bands: read back from the page's own outlines.

use super::{act, between, page, render};
use crate::page::canvas::{HEIGHT, WIDTH};
use crate::page::stack::Stack;

/// The outlines of the bands, each as its upper and its lower edge in the middle of the slot from `from` to `to`, in
/// calls a second.
fn edges(html: &str, stack: &Stack, from: f64, to: f64) -> Vec<Option<(f64, f64)>> {
    let middle = f64::midpoint(from, to) / stack.length * WIDTH;
    let rate = |y: f64| (1.0 - y / HEIGHT) * stack.top;
    let edges = |path: &str| {
        let crossed: Vec<f64> = crossings(path, middle).into_iter().map(rate).collect();
        crossed.first().copied().zip(crossed.last().copied())
    };
    between(html, "<path class=\"band ", "\">").iter().map(|path| edges(path)).collect()
}

/// The heights at which an outline of level and upright lines passes `at`, in the order of drawing.
fn crossings(path: &str, at: f64) -> Vec<f64> {
    let path = path.split_once("d=\"").map_or("", |(_, path)| path);
    let spaced = path.replace(['M', 'Z'], " ").replace('H', " H").replace('V', " V");
    let (mut x, mut y, mut crossed) = (0.0, 0.0, Vec::new());
    let mut words = spaced.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Some(to) = word.strip_prefix('H') {
            let to: f64 = to.parse().unwrap();
            if (x < at) != (to < at) {
                crossed.push(y);
            }
            x = to;
        } else if let Some(to) = word.strip_prefix('V') {
            y = to.parse().unwrap();
        } else {
            (x, y) = (word.parse().unwrap(), words.next().unwrap().parse().unwrap());
        }
    }
    crossed
}

#[test]
fn each_band_is_as_high_as_its_pods_rate_and_stands_on_the_one_before() {
    let answered: [&[u32]; 3] = [&[10, 5, 25, 0, 9, 25], &[15, 5, 0, 25, 8, 0], &[0, 15, 0, 0, 8, 0]];
    let act = act(1500, &answered, Vec::new());
    let (stack, html) = (Stack::new(&act.timeline), render(&page(vec![act])));
    for bucket in 0..6_u32 {
        let from = f64::from(bucket) * 0.25;
        let mut height = 0.0;
        let edges = edges(&html, &stack, from, from + 0.25);
        assert_eq!(edges.len(), 3);
        for (pod, edges) in edges.into_iter().enumerate() {
            let rate = f64::from(answered[pod][bucket as usize]) * 4.0;
            let Some((upper, lower)) = edges else {
                assert_eq!(rate, 0.0, "pod {pod} is missing in bucket {bucket}");
                continue;
            };
            assert!(
                (lower - height).abs() < 0.2,
                "pod {pod} in bucket {bucket} stands on {lower}, not {height}"
            );
            assert!(
                (upper - lower - rate).abs() < 0.2,
                "pod {pod} in bucket {bucket}: {upper} to {lower}, not {rate}"
            );
            height += rate;
        }
    }
}

#[test]
fn a_last_bucket_that_is_cut_short_is_no_drop() {
    let answered: [&[u32]; 2] = [&[13, 12, 13, 6], &[12, 13, 12, 5]];
    let act = act(859, &answered, Vec::new());
    let stack = Stack::new(&act.timeline);
    let last = stack.bands[1].last().unwrap();
    // 36 calls in 359 ms.
    assert!((last.high - 100.3).abs() < 0.1, "{last:?}");
    assert_eq!((last.from, last.to), (0.5, 0.859));
    assert_eq!(stack.bands[0].len(), 3);
    let edges = edges(&render(&page(vec![act])), &stack, 0.8, 0.859);
    assert!((edges[1].unwrap().0 - 100.3).abs() < 0.2, "{edges:?}");
}

#[test]
fn a_bucket_after_the_end_has_no_room_and_a_short_act_has_a_true_rate() {
    let stack = Stack::new(&act(500, &[&[25, 25, 3]], Vec::new()).timeline);
    assert_eq!(stack.bands[0].iter().map(|step| step.high).collect::<Vec<_>>(), [100.0, 100.0]);
    let stack = Stack::new(&act(100, &[&[10]], Vec::new()).timeline);
    assert!((stack.bands[0][0].high - 100.0).abs() < 1e-9);
}

#[test]
fn failed_calls_stand_on_top_striped_and_counted() {
    let mut act = act(1000, &[&[25, 20, 24, 25]], Vec::new());
    act.timeline.failed = vec![0, 5, 1, 0];
    let stack = Stack::new(&act.timeline);
    assert_eq!(
        stack.failed.iter().map(|step| (step.low, step.high)).collect::<Vec<_>>(),
        [(80.0, 100.0), (96.0, 100.0)]
    );
    let html = render(&page(vec![act]));
    assert!(html.contains("<path class=\"stripes\" d=\"M"));
    assert!(html.contains(">✗ 6</span>"));
    assert!(html.contains("<span class=\"at\">0.2–0.8\u{a0}s</span><span>6 calls failed</span>"), "{html}");
}

#[test]
fn a_name_stands_on_its_band_if_there_is_room() {
    let answered: [&[u32]; 3] =
        [&[20; 20], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5], &[2; 20]];
    let act = act(5000, &answered, Vec::new());
    let stack = Stack::new(&act.timeline);
    let html = render(&page(vec![act]));
    let names = between(&html, "<span class=\"name\" style=\"", "</span>");
    let [first, second] = names[..] else { panic!("the third band is too low for a name: {names:?}") };
    assert!(first.ends_with(">school-1") && second.ends_with(">school-2"), "{names:?}");
    let part = |name: &str, what: &str| between(name, what, "%")[0].parse::<f64>().unwrap() / 100.0;
    assert!((part(first, "bottom:") * stack.top - 40.0).abs() < 0.1, "{first}");
    assert!((part(second, "bottom:") * stack.top - 90.0).abs() < 0.1, "{second}");
    assert!((0.5..1.0).contains(&part(second, "left:")), "{second}");
}

#[test]
fn counts_of_failed_calls_that_would_touch_on_a_phone_become_one() {
    let mut act = act(10_000, &[&[20; 40]], Vec::new());
    act.timeline.failed = vec![0; 40];
    for (bucket, failed) in [(4, 1), (8, 2), (30, 4)] {
        act.timeline.failed[bucket] = failed;
    }
    let html = render(&page(vec![act]));
    let tags: Vec<_> = between(&html, "<span class=\"fail\" style=\"--x:", "</span>")
        .into_iter()
        .map(|tag| (tag.split(';').next().unwrap(), tag.split_once("✗ ").unwrap().1))
        .collect();
    assert_eq!(tags, [("16.25%", "3"), ("76.25%", "4")]);
    assert!(html.contains("1 call failed") && html.contains("2 calls failed"), "the list tells them apart");
}

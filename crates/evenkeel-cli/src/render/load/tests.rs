use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel::ConnectivityState;
use evenkeel_load::{Connected, Happened, Member, Seen, Summary};

use super::{Now, Rooms, Style, View, findings, line, table};
use crate::args::Assertion;
use crate::assess::Finding;
use crate::render::samples;

const PLAIN: Style = Style { colour: false };

const CONNECTED: Connected = Connected { took: Duration::from_millis(12), endpoints: 3, ready: 2, failed: 1 };

fn view<'a>(summary: &'a Summary, seen: &'a Seen, now: Option<&'a Now>) -> View<'a> {
    View { summary, seen, connected: CONNECTED, width: None, now }
}

fn seen() -> Seen {
    let member = |state, is_listed, joined| Member { state, is_listed, joined, has_failed: false };
    let members = BTreeMap::from([
        ("127.0.9.1:50051".to_owned(), member(ConnectivityState::Ready, true, None)),
        (
            "127.0.9.3:50051".to_owned(),
            member(ConnectivityState::Connecting, true, Some(Duration::from_secs(2))),
        ),
        ("127.0.9.4:50051".to_owned(), member(ConnectivityState::Ready, false, None)),
    ]);
    let at = Duration::from_millis(1250);
    let goaway = Happened { at, text: "GOAWAY from 127.0.9.1:50051: max_age".to_owned() };
    let mut seen = Seen::default();
    (seen.members, seen.events) = (members, [goaway].into());
    seen.tally.lookups = 2;
    seen.tally.goaways = 1;
    seen
}

#[test]
fn a_load_that_runs() {
    let now = Now { in_flight: BTreeMap::from([("127.0.9.1:50051".to_owned(), 7)]), height: None };
    let (summary, seen) = (samples::summary(), seen());
    let expected = "\
dns:///school-internal-headless:50051
connected to 2 of 3 endpoints in 0.01 s, 1 failed
2.5 s   4 calls   2/s   3 ok   1 failed (UNAVAILABLE 1)
latency ms   p50 0.75   p90 1.50   p99 20.00   max 20.00

POD              ADDRESS          STATE       IN-FLIGHT      CALLS    SHARE                      P50 MS    P99 MS  FAILED  NOTES
school-1         127.0.9.1:50051  READY               7          2   90.0 %  ##############        0.50      0.90       1
127.0.9.2:50051  127.0.9.2:50051  gone                           1   10.0 %  ##                                         0
-                127.0.9.3:50051  CONNECTING                     0    0.0 %                                             0  new since 2.0 s
-                127.0.9.4:50051  leaving                        0    0.0 %                                             0

failed, and what the first of each said
  school-1 127.0.9.1:50051  NOT_FOUND 1  no school 7
  no pod  UNAVAILABLE 1  no endpoint is READY: connection refused

events
     1.2 s  GOAWAY from 127.0.9.1:50051: max_age
";
    assert_eq!(table(view(&summary, &seen, Some(&now)), PLAIN), expected);
}

#[test]
fn a_load_that_is_over() {
    let (summary, seen) = (samples::summary(), seen());
    let text = table(view(&summary, &seen, None), PLAIN);
    assert!(!text.contains("STATE") && !text.contains("127.0.9.3"), "{text}");
    assert!(text.contains("\n      no endpoint is READY: connection refused\n"), "{text}");
    assert!(text.ends_with("\n2 lookups   1 GOAWAY\n"), "{text}");
    let (nothing, unseen) = (samples::empty_summary(), Seen::default());
    let nothing = View { connected: Connected::default(), ..view(&nothing, &unseen, None) };
    assert!(table(nothing, PLAIN).ends_with("\nno events\n"));
    assert!(table(nothing, PLAIN).contains("\nno endpoint known after 0.00 s\n"));
}

#[test]
fn a_low_screen_shows_the_busiest() {
    let (summary, seen) = (samples::summary(), seen());
    for height in [11, 14, 20] {
        let now = Now { in_flight: BTreeMap::new(), height: Some(height) };
        let text = table(view(&summary, &seen, Some(&now)), PLAIN);
        assert!(text.contains("school-1") && text.lines().count() < height, "{height}:\n{text}");
    }
    let now = Now { in_flight: BTreeMap::new(), height: Some(11) };
    let text = table(view(&summary, &seen, Some(&now)), PLAIN);
    assert!(!text.contains("127.0.9.4") && text.contains("and 1 more\n"), "{text}");
}

#[test]
fn lines_go_to_pods_first() {
    let wanted = Rooms { pods: 10, failures: 4, events: 8 };
    assert_eq!(wanted.within(100), wanted);
    assert_eq!(wanted.within(10), Rooms { pods: 5, failures: 0, events: 3 });
    assert_eq!(wanted.within(1), Rooms { pods: 1, failures: 0, events: 0 });
    let few = Rooms { pods: 2, ..wanted };
    assert_eq!(few.within(16), Rooms { pods: 2, failures: 2, events: 8 });
}

#[test]
fn a_narrow_terminal_leaves_out_whole_columns() {
    let (summary, seen) = (samples::summary(), seen());
    let now = Now { in_flight: BTreeMap::from([("127.0.9.1:50051".to_owned(), 7)]), height: None };
    for width in [20, 30, 40, 60, 80, 100, 120] {
        for now in [None, Some(&now)] {
            let text = table(View { width: Some(width), ..view(&summary, &seen, now) }, PLAIN);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        }
    }
    let text = table(View { width: Some(60), ..view(&summary, &seen, Some(&now)) }, PLAIN);
    let header = text.lines().find(|line| line.starts_with("POD")).unwrap();
    let words: Vec<_> = header.split_whitespace().collect();
    assert_eq!(words, ["POD", "STATE", "CALLS", "SHARE", "FAILED"], "{text}");
}

#[test]
fn one_interval_in_one_line() {
    let expected = "12:00:00  4 calls  1.6/s  1 failed (UNAVAILABLE 1)  p50 0.75 ms  p99 20.00 ms  \
                    2 pods: school-1 66.7 %, 127.0.9.2:50051 33.3 %  [2 lookups, 1 GOAWAY]\n";
    assert_eq!(line("12:00:00", &samples::summary(), &seen()), expected);
    let quiet = "t  0 calls  0.0/s  0 failed  no pod  [no events]\n";
    assert_eq!(line("t", &samples::empty_summary(), &Seen::default()), quiet);
}

#[test]
fn demands() {
    let all = [
        Finding { assertion: Assertion::Pods(5), but: None },
        Finding {
            assertion: Assertion::MaxShare(0.4),
            but: Some("a answered 50.0 % of the calls".to_owned()),
        },
    ];
    let expected = "holds  pods=5\nDOES NOT HOLD  max-share=0.4: a answered 50.0 % of the calls\n";
    assert_eq!(findings(&all, PLAIN), expected);
}

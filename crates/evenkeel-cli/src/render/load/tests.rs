use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel::ConnectivityState;

use super::{Now, Style, View, findings, line, table};
use crate::args::Assertion;
use crate::load::{Finding, Happened, Member, Seen};
use crate::render::samples;

const PLAIN: Style = Style { colour: false };

fn seen() -> Seen {
    let member = |state, is_listed, joined| Member { state, is_listed, joined };
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
    let mut seen = Seen { members, events: [goaway].into(), ..Seen::default() };
    seen.tally.lookups = 2;
    seen.tally.goaways = 1;
    seen
}

#[test]
fn a_load_that_runs() {
    let now = Now { in_flight: BTreeMap::from([("127.0.9.1:50051".to_owned(), 7)]), height: None };
    let view = View { summary: &samples::summary(), seen: &seen(), now: Some(&now) };
    let expected = "\
dns:///school-internal-headless:50051
2.5 s   4 calls   2/s   3 ok   1 failed (UNAVAILABLE 1)
latency ms   p50 0.75   p90 1.50   p99 20.00   max 20.00

POD              ADDRESS          STATE       IN-FLIGHT      CALLS    SHARE                      P50 MS    P99 MS  FAILED, NOTES
school-1         127.0.9.1:50051  READY               7          2   66.7 %  ###########           0.50      0.90  NOT_FOUND 1
127.0.9.2:50051  127.0.9.2:50051  gone                           1   33.3 %  #####
-                127.0.9.3:50051  CONNECTING                     0    0.0 %                                        new since 2.0 s
-                127.0.9.4:50051  leaving                        0    0.0 %

events
     1.2 s  GOAWAY from 127.0.9.1:50051: max_age
";
    assert_eq!(table(view, PLAIN), expected);
}

#[test]
fn a_load_that_is_over() {
    let view = View { summary: &samples::summary(), seen: &seen(), now: None };
    let text = table(view, PLAIN);
    assert!(!text.contains("STATE") && !text.contains("127.0.9.3"), "{text}");
    assert!(text.ends_with("\n2 lookups, 1 GOAWAY\n"), "{text}");
    let nothing = View { summary: &samples::empty_summary(), seen: &Seen::default(), now: None };
    assert!(table(nothing, PLAIN).ends_with("\nno events\n"));
}

#[test]
fn a_low_screen_shows_the_busiest() {
    let now = Now { in_flight: BTreeMap::new(), height: Some(11) };
    let view = View { summary: &samples::summary(), seen: &seen(), now: Some(&now) };
    let text = table(view, PLAIN);
    assert!(
        text.contains("school-1") && !text.contains("127.0.9.2") && text.contains("and 3 more"),
        "{text}"
    );
    assert!(text.lines().count() <= 11, "{text}");
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

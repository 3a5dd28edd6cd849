use evenkeel_demo::samples::{reports, trouble};

use super::{Style, act, demo, meanwhile, progress};
use crate::render::samples;

const PLAIN: Style = Style { colour: false };

#[test]
fn an_acts_load() {
    let expected = "\
dns:///school-internal-headless:50051
2.5 s   4 calls   2/s   3 ok   1 failed (UNAVAILABLE 1)
latency ms   p50 0.75   p90 1.50   p99 20.00   max 20.00

POD              ADDRESS              CALLS    SHARE
school-1         127.0.9.1:50051          2   66.7 %  ################
127.0.9.2:50051  127.0.9.2:50051          1   33.3 %  ########
";
    assert_eq!(progress(&samples::summary(), PLAIN), expected);
}

#[test]
fn a_load_that_has_just_begun() {
    let expected = "\
a:1
0.0 s   0 calls   0/s   0 ok   0 failed

POD  ADDRESS      CALLS    SHARE
";
    assert_eq!(progress(&samples::empty_summary(), PLAIN), expected);
}

#[test]
fn acts_and_their_summary() {
    let reports = reports();
    let expected = "\
ttl-refresh  remedy: holds
  soon
  5 calls   0 failed   max 20.00 ms   interval 5.50 s   new pods after 4.20 s   allowed 6.50 s

POD       ADDRESS              CALLS    SHARE
school-1  127.0.9.1:50051          3   60.0 %  ##############
school-2  127.0.9.2:50051          2   40.0 %  ##########  new, first call after 4.2 s

";
    assert_eq!(act(&reports[0], PLAIN), expected);
    let expected = "\
summary
  remedy   ttl-refresh          holds
  remedy   headless             DOES NOT HOLD
1 of 2 acts went as claimed (remedy: 1 of 2 hold)
";
    assert_eq!(demo(&reports, PLAIN), expected);
}

#[test]
fn colours_only_where_wanted() {
    let coloured = act(&reports()[1], Style { colour: true });
    assert!(coloured.contains("\x1b[31m✗ DOES NOT HOLD\x1b[0m") && coloured.contains('█'));
    assert!(!act(&reports()[1], PLAIN).contains('\x1b'));
}

#[test]
fn pods_that_did_not_live_to_the_end() {
    let expected = "\
kill  trouble: NOT SURVIVED
  A pod dies.
  unnoticed
  expected here: a warning
  but there was no new pod
  5 calls   1 failed   max 0.00 ms   1 drained   killed pod out after 0.012 s   new one in after 5.00 s   allowed 6.00 s

POD       ADDRESS              CALLS    SHARE
school-1  127.0.9.1:50051          3   75.0 %  ##################  killed; its last count before
school-2  127.0.9.2:50051          1   25.0 %  ######  drained

";
    assert_eq!(act(&trouble(), PLAIN), expected);
}

#[test]
fn an_act_beside_another() {
    let act = evenkeel_demo::acts().pop().expect("an act");
    let expected = "\nmeanwhile dns-outage   2.5 s   4 calls   1 failed (UNAVAILABLE 1)\n";
    assert_eq!(meanwhile(&act, &samples::summary(), PLAIN), expected);
}

#[test]
fn a_problem_that_is_shown_does_not_look_like_a_remedy_that_holds() {
    let mut report = reports()[0].clone();
    let coloured = Style { colour: true };
    let mut said = std::collections::BTreeSet::new();
    for role in evenkeel_demo::Role::ALL {
        report.about.role = role;
        let (plain, coloured) = (act(&report, PLAIN), act(&report, coloured));
        assert!(plain.contains(&format!("{}: {}", role.word(), role.verdict(true))), "{plain}");
        assert_eq!(coloured.contains("\x1b[32m"), role == evenkeel_demo::Role::Remedy, "green is good news");
        said.insert(plain.lines().next().map(str::to_owned));
    }
    assert_eq!(said.len(), 3, "{said:?}");
}

//! A few worlds; the nightly run makes thousands.
#![allow(clippy::unwrap_used, reason = "a test says what must hold in the shortest way")]

use evenkeel_sim::{Report, run, run_sabotaged, story};

#[test]
fn no_call_is_lost_while_a_pod_is_there() {
    let mut report = Report::default();
    for seed in 0..6 {
        let outcome = run(seed).unwrap();
        if let Some(story) = story(&outcome) {
            println!("{story}");
        }
        report.add(&outcome);
    }
    println!("{report}");
    assert!(report.holds());
    assert!(report.calls() > 5_000, "the worlds are too quiet");
    assert!(report.covered() * 3 > report.calls(), "the invariant speaks of too few calls");
}

#[test]
fn what_is_hidden_from_the_judge_is_found_out() {
    let mut texts = String::new();
    for seed in 0..3 {
        let outcome = run_sabotaged(seed).unwrap();
        outcome.violations.iter().for_each(|violation| texts += &format!("{}\n", violation.text));
    }
    for expected in ["could lose a call", "was well all the time", "had no call of"] {
        assert!(texts.contains(expected), "nothing says `{expected}`");
    }
}

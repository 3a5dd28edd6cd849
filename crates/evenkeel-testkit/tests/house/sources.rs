//! Sources stay small, and tests stay switched on.

use crate::{assert_none, crates};

const MOST_LINES: usize = 400;

/// How `text` breaks the size limit, if it does.
fn too_long(text: &str) -> Option<usize> {
    Some(text.lines().count()).filter(|lines| *lines > MOST_LINES)
}

/// The lines of `text` that switch a test off.
fn switched_off(text: &str) -> Vec<usize> {
    let is_off = |line: &str| line.starts_with("#[") && line.contains("ignore");
    text.lines().zip(1..).filter(|(line, _)| is_off(line.trim())).map(|(_, number)| number).collect()
}

/// The lines of `text` that fix a property test's number of cases, which the nightly run could then not raise.
fn fixed_cases(text: &str) -> Vec<usize> {
    let needle = concat!("with_", "cases(");
    text.lines().zip(1..).filter(|(line, _)| line.contains(needle)).map(|(_, number)| number).collect()
}

#[test]
fn files_hold_one_idea() {
    let findings = crates("rs")
        .into_iter()
        .filter(|(path, _)| path.iter().any(|part| part == "src"))
        .filter_map(|(path, text)| Some(format!("{}: {} lines", path.display(), too_long(&text)?)))
        .collect();
    assert_none(findings, "files over 400 lines hold more than one idea");
}

#[test]
fn no_test_is_switched_off() {
    let findings = crates("rs")
        .into_iter()
        .flat_map(|(path, text)| {
            switched_off(&text).into_iter().map(move |line| format!("{}:{line}", path.display()))
        })
        .collect();
    assert_none(findings, "a test that does not run proves nothing; slow ones belong to .ci/nightly");
}

#[test]
fn nightly_can_raise_the_cases_of_property_tests() {
    let findings = crates("rs")
        .into_iter()
        .flat_map(|(path, text)| {
            fixed_cases(&text).into_iter().map(move |line| format!("{}:{line}", path.display()))
        })
        .collect();
    assert_none(findings, "leave the number of cases to PROPTEST_CASES");
}

#[test]
fn the_checks_fire() {
    assert_eq!(too_long(&"x\n".repeat(400)), None);
    assert_eq!(too_long(&"x\n".repeat(401)), Some(401));
    assert_eq!(switched_off("#[test]\n    #[ignore = \"slow\"]\nfn x() {}\n// #[ignore]"), [2]);
    assert_eq!(switched_off("#[cfg_attr(miri, ignore)]"), [1]);
    assert_eq!(fixed_cases(concat!("a\n#![proptest_config(C::with_", "cases(9))]")), [2]);
}

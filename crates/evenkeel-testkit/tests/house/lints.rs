//! Every ban says why it is there.

use std::collections::BTreeSet;

use crate::{assert_none, crates, read};

/// The lints of a manifest's `[workspace.lints.*]` tables that no comment on their line explains.
fn unexplained(manifest: &str) -> Vec<String> {
    let mut is_lint = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            is_lint = line.starts_with("[workspace.lints");
        } else if is_lint && line.contains('=') && !line.starts_with('#') && !line.contains(" # ") {
            found.push(line.to_owned());
        }
    }
    found
}

/// The settings of a clippy.toml, comments left out.
fn settings(text: &str) -> BTreeSet<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn every_lint_has_its_reason_beside_it() {
    assert_none(unexplained(&read("Cargo.toml")), "lints without a reason");
}

#[test]
fn every_crate_takes_the_lints() {
    let manifests = crates("toml").into_iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
    let without = manifests.filter(|(_, text)| !text.contains("[lints]\nworkspace = true"));
    assert_none(
        without.map(|(path, _)| path.display().to_string()).collect(),
        "crates without the workspace's lints",
    );
}

#[test]
fn every_ban_has_its_reason_beside_it() {
    for file in ["clippy.toml", "crates/evenkeel-core/clippy.toml"] {
        let text = read(file);
        let bans = text.lines().filter(|line| line.contains("path =") && !line.contains("reason ="));
        assert_none(bans.map(|line| format!("{file}: {}", line.trim())).collect(), "bans without a reason");
    }
}

/// Clippy reads only the nearest clippy.toml, so core's has to repeat the workspace's.
#[test]
fn core_keeps_every_setting_of_the_workspace() {
    let (workspace, core) = (read("clippy.toml"), read("crates/evenkeel-core/clippy.toml"));
    let missing = settings(&workspace).difference(&settings(&core)).map(|line| (*line).to_owned()).collect();
    assert_none(missing, "settings that core's clippy.toml has lost");
}

#[test]
fn the_checks_fire() {
    let manifest =
        "[package]\na = 1\n[workspace.lints.rust]\na = \"deny\" # why\nb = \"deny\"\n[profile.dev]\nc = 1";
    assert_eq!(unexplained(manifest), ["b = \"deny\""]);
    assert_eq!(settings("# a\n\nb = 1\n  c = 2"), BTreeSet::from(["b = 1", "c = 2"]));
}

//! The house rules that no lint knows: a rule without a check is not kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what must hold in the shortest way"
)]

mod dependencies;
mod documents;
mod lints;
mod metadata;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root.
fn root() -> PathBuf {
    // Asked for at run time: a build that is kept outside the checkout may have been made for another one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    Path::new(&here).ancestors().nth(2).expect("crates/evenkeel-testkit").to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files of the workspace's crates that end in `.extension`, as [`files`] has them.
fn crates(extension: &str) -> Vec<(PathBuf, String)> {
    ["bench", "crates"].into_iter().flat_map(|folder| files(folder, extension)).collect()
}

/// All files under `folder` of the workspace that end in `.extension`, each with its text, by path from the root.
fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_path_buf(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} under {folder}: the check would pass on nothing");
    found.sort();
    found
}

/// Fails with one line per finding.
fn assert_none(findings: Vec<String>, rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

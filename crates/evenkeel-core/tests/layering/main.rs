//! The direction of dependencies, checked: stages never import each other, nouns import no stage, only `channel`
//! wires several, and `h2` stays behind the folder that owns it.
//!
//! The checker reads sources as text, so each of its rules is also fed a text that breaks it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod broken;
mod paths;
mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// What core may be built from: nothing here opens a socket, reads a clock or runs a task.
const CORE_DEPENDENCIES: &[&str] = &["thiserror"];

fn crates_folder() -> PathBuf {
    // Asked for at run time: a build that is kept outside the checkout may have been made for another one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    Path::new(&here).parent().expect("a crate lies in a folder").to_path_buf()
}

/// All `.rs` files under `folder`, each with its path relative to it.
fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(folder).unwrap().to_path_buf(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no source under {}: the check would pass on nothing", folder.display());
    found
}

#[test]
fn stages_of_core_know_only_themselves_and_the_nouns() {
    let violations: Vec<String> = rust_files(&crates_folder().join("evenkeel-core/src"))
        .iter()
        .flat_map(|(path, text)| rules::violations(path, text))
        .collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn h2_is_named_only_in_the_http2_folder() {
    let crates = crates_folder();
    let violations: Vec<String> =
        ["evenkeel/src", "evenkeel-load/src", "evenkeel-lab/src", "evenkeel-demo/src", "evenkeel-cli/src"]
            .iter()
            .flat_map(|folder| rust_files(&crates.join(folder)))
            .filter(|(path, _)| !path.starts_with("http2"))
            .flat_map(|(path, text)| rules::h2_mentions(&path, &text))
            .collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

/// Tests of every other crate stand on it.
#[test]
fn the_lab_depends_on_no_other_crate_of_ours() {
    let manifest = fs::read_to_string(crates_folder().join("evenkeel-lab/Cargo.toml")).unwrap();
    let names = rules::dependencies(&manifest);
    assert!(names.iter().any(|name| name == "tokio"), "the manifest is no longer read: {names:?}");
    let ours: Vec<&String> = names.iter().filter(|name| name.starts_with("evenkeel")).collect();
    assert!(ours.is_empty(), "evenkeel-lab is built from {ours:?}");
}

#[test]
fn core_depends_on_no_runtime_socket_or_clock() {
    let manifest = fs::read_to_string(crates_folder().join("evenkeel-core/Cargo.toml")).unwrap();
    let unknown: Vec<String> = rules::dependencies(&manifest)
        .into_iter()
        .filter(|name| !CORE_DEPENDENCIES.contains(&name.as_str()))
        .collect();
    assert!(
        unknown.is_empty(),
        "evenkeel-core is built from {unknown:?}: does it stay free of I/O, time and tasks?"
    );
}

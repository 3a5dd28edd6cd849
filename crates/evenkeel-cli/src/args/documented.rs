//! What the documents tell people to type is understood.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::Args;

/// The documents with commands in them.
const PAGES: [&str; 7] = [
    "README.md",
    "docs/kubernetes.md",
    "docs/migration.md",
    "docs/symptoms.md",
    "docs/architecture.md",
    "deploy/README.md",
    "CONTRIBUTING.md",
];

fn root() -> PathBuf {
    // Asked for at run time: a build that is kept outside the checkout may have been made for another one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    Path::new(&here).ancestors().nth(2).expect("crates/evenkeel-cli").to_path_buf()
}

/// The words after `evenkeel` of each command in the page's shell blocks.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in page.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            is_shell = line.trim() == "```sh";
        } else if is_shell && !line.trim_start().starts_with("alias ") {
            found.extend(command(line));
        }
    }
    found
}

/// The command itself, wherever it is run: `evenkeel …`, `kubectl exec … -- /evenkeel …`, `cargo run --release -- …`.
fn command(line: &str) -> Option<Vec<String>> {
    let words: Vec<&str> =
        line.split_whitespace().take_while(|word| !["|", "&&", "#", ">"].contains(word)).collect();
    let start = words.iter().position(|word| *word == "evenkeel" || word.ends_with("/evenkeel"));
    let start = match start {
        Some(start) => start,
        None if words.starts_with(&["cargo", "run"]) => words.iter().position(|word| *word == "--")?,
        None => return None,
    };
    Some(words.get(start + 1..)?.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn every_command_is_understood() {
    let mut count = 0;
    for page in PAGES {
        let text =
            std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        for words in commands(&text) {
            count += 1;
            let all = ["evenkeel".to_owned()].into_iter().chain(words.iter().cloned());
            if let Err(error) = Args::try_parse_from(all) {
                panic!("{page}: evenkeel {}: {error}", words.join(" "));
            }
        }
    }
    assert!(count >= 10, "only {count} commands are found");
}

#[test]
fn the_check_finds_them() {
    let page = "evenkeel no\n```sh\nevenkeel load a:1 \\\n  -n 1 | cat\nkubectl exec x -- /evenkeel resolve a:1 # why\n\
                cargo run --release -- demo\nalias evenkeel='x'\nls\n```\n```text\nevenkeel no\n```";
    let expected: [&[&str]; 3] = [&["load", "a:1", "-n", "1"], &["resolve", "a:1"], &["demo"]];
    assert_eq!(commands(page), expected);
}

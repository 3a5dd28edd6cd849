//! What we depend on needs no newer Rust than we do, and is written down.

use std::collections::BTreeSet;

use crate::metadata::{Package, packages};
use crate::{assert_none, read};

/// The packages that say they need a newer Rust than `ours`.
fn too_new(packages: &[Package], ours: &str) -> Vec<String> {
    let is_newer = |package: &&Package| {
        package.rust_version.as_deref().is_some_and(|theirs| version(theirs) > version(ours))
    };
    packages
        .iter()
        .filter(is_newer)
        .map(|p| {
            format!("{} {} needs Rust {}", p.name, p.version, p.rust_version.as_deref().unwrap_or_default())
        })
        .collect()
}

/// `1.88` and `1.88.0` are the same version.
fn version(text: &str) -> [u64; 3] {
    let mut numbers = text.split('.').map(|part| part.parse().expect("a Rust version is numbers"));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[test]
fn no_dependency_needs_a_newer_rust_than_ours() {
    let packages = packages();
    let ours = packages.iter().find(|p| p.name == "evenkeel-core").and_then(|p| p.rust_version.clone());
    assert_none(too_new(&packages, &ours.expect("rust-version is stated")), "the stated MSRV cannot hold");
}

/// How a package's row on the page of dependencies begins.
fn row(package: &Package) -> String {
    format!(
        "| `{}` | {} | {} |",
        package.name,
        package.version,
        package.licence.as_deref().unwrap_or_default()
    )
}

#[test]
fn every_direct_dependency_is_explained() {
    let page = read("docs/dependencies.md");
    let (ours, others): (Vec<_>, Vec<_>) = packages().into_iter().partition(|p| p.is_ours);
    let direct: BTreeSet<&String> = ours.iter().flat_map(|p| &p.dependencies).collect();
    let missing = direct.into_iter().filter_map(|name| {
        let rows: Vec<String> = others.iter().filter(|p| p.name == *name).map(row).collect();
        let is_explained = rows.iter().any(|row| page.contains(row));
        (!rows.is_empty() && !is_explained).then(|| rows.join(" or "))
    });
    assert_none(missing.collect(), "docs/dependencies.md lacks rows that begin with");
}

#[test]
fn the_checks_fire() {
    let package = |licence: Option<&str>, rust: Option<&str>| Package {
        name: "x".to_owned(),
        version: "1.0.0".to_owned(),
        licence: licence.map(str::to_owned),
        rust_version: rust.map(str::to_owned),
        is_ours: false,
        dependencies: Vec::new(),
    };
    assert_eq!(row(&package(Some("MIT"), None)), "| `x` | 1.0.0 | MIT |");
    let old = [package(None, None), package(None, Some("1.88")), package(None, Some("1.9.9"))];
    assert_eq!(too_new(&old, "1.88"), [""; 0]);
    assert_eq!(too_new(&[package(None, Some("1.88.1"))], "1.88"), ["x 1.0.0 needs Rust 1.88.1"]);
    assert_eq!(too_new(&[package(None, Some("1.100"))], "1.88"), ["x 1.0.0 needs Rust 1.100"]);
}

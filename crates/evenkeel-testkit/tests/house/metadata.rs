//! What cargo knows about the packages that the workspace is built from.

use std::process::Command;

use serde_json::Value;

use crate::root;

/// A package in the dependency graph.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    pub(crate) rust_version: Option<String>,
    pub(crate) is_ours: bool,
    /// The names of its direct dependencies, of every kind.
    pub(crate) dependencies: Vec<String>,
}

impl Package {
    fn read(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let dependencies = value["dependencies"].as_array().expect("dependencies");
        Self {
            name: text("name").expect("name"),
            version: text("version").expect("version"),
            licence: text("license"),
            rust_version: text("rust_version"),
            is_ours: value["source"].is_null(),
            dependencies: dependencies.iter().filter_map(|d| d["name"].as_str()).map(str::to_owned).collect(),
        }
    }
}

/// Every package of every platform and feature.
///
/// Cargo may not have the other platforms' packages at hand, and a test does not go to the network. Then only what
/// this build uses is returned; CI fetches everything first.
pub(crate) fn packages() -> Vec<Package> {
    let everything = cargo_metadata(&["--all-features"]);
    let document = everything.unwrap_or_else(|why| {
        println!("only this platform's packages are checked, fetch the others with `cargo fetch`: {why}");
        cargo_metadata(&["--filter-platform", &host()]).unwrap_or_else(|why| panic!("cargo metadata: {why}"))
    });
    let packages: Vec<Package> =
        document["packages"].as_array().expect("packages").iter().map(Package::read).collect();
    assert!(packages.len() > 50, "only {} packages: the checks would pass on nothing", packages.len());
    packages
}

fn cargo_metadata(options: &[&str]) -> Result<Value, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(options)
        .current_dir(root())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

//! Every example runs, and shows what it says.
#![cfg(all(feature = "dns", feature = "tls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what must hold in the shortest way")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// Where the examples are. Plain `cargo test` has built them beside the tests, `cargo test --test examples` has not.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let this = std::env::current_exe().unwrap();
        let profile = this.ancestors().nth(2).unwrap();
        let mut build = Command::new(std::env::var_os("CARGO").expect("cargo runs the tests"));
        // What cargo says to a test about its package would make it build half of the packages anew, as would building for
        // less than the whole workspace, with other features.
        for (name, _) in std::env::vars_os() {
            let is_told = |start| name.to_str().is_some_and(|name| name.starts_with(start));
            if is_told("CARGO_PKG_") || is_told("CARGO_MANIFEST_") {
                build.env_remove(name);
            }
        }
        build.args(["build", "--quiet", "--locked", "--offline", "--workspace", "--examples"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.arg("--target-dir").arg(profile.parent().unwrap()).status().unwrap();
        assert!(built.success(), "the examples do not build");
        profile.join("examples")
    })
}

fn example(name: &str) -> Command {
    Command::new(folder().join(name))
}

fn run(name: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = example(name).args(arguments).output().unwrap();
    let (out, errors) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr).into_owned());
    assert!(status.success(), "{name}: {status}\n{out}{errors}");
    out
}

/// A running `school_internal`, killed when dropped.
struct Pod {
    child: Child,
    address: String,
    rest: BufReader<std::process::ChildStdout>,
}

impl Pod {
    fn start() -> Self {
        let mut child = example("school_internal").arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut rest = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        rest.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").expect("its first line").to_owned();
        Self { child, address, rest }
    }

    /// Ends it as Kubernetes does; what it said, and whether it ended well.
    fn terminate(mut self) -> (bool, String) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut said = String::new();
        self.rest.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().success(), said)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn manage_service_spreads_its_calls_over_school_internal() {
    let pods = [Pod::start(), Pod::start()];
    let target = format!("ipv4:{},{}", pods[0].address, pods[1].address);
    let said = run("manage_service", &[&target]);
    assert_eq!(said.lines().count(), 10, "{said}");
    for pod in pods {
        let from = said.lines().filter(|line| line.ends_with(&format!(" from {}", pod.address))).count();
        // The second one may come up while the first answers already.
        assert!((1..10).contains(&from), "{said}");
        assert_eq!(pod.terminate(), (true, format!("served {from} calls, cut 0\n")));
    }
}

#[test]
fn tls() {
    let said = run("tls", &[]);
    let (first, second) = said.trim_end().split_once('\n').expect("two lines");
    assert_eq!(first, "a client with 1 certificate calls");
    assert!(second.starts_with("without a certificate: "), "{said}");
}

#[test]
fn manual_resolver() {
    assert_eq!(run("manual_resolver", &[]), "served by one\nserved by two\n");
}

#[test]
fn custom_connector() {
    assert_eq!(run("custom_connector", &[]), "connecting to in-memory\nanswered over a pipe\n");
}

#[test]
fn drain() {
    assert_eq!(run("drain", &[]), "draining, with a call under way\nfinished 1 call, cut 0\n");
}

#[test]
fn health() {
    let expected = r#"
"" is SERVING
"school.v1.School" is SERVING
"grpc.health.v1.Health" is SERVING
draining:
"" is NOT_SERVING
"school.v1.School" is NOT_SERVING
"grpc.health.v1.Health" is SERVING
"#;
    assert_eq!(run("health", &[]), expected.trim_start());
}

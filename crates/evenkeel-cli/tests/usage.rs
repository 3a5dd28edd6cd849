//! What is not understood and what cannot be done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::net::TcpListener;
use std::process::Stdio;

use common::{Pod, evenkeel, run, stderr};

#[test]
fn usage_errors_are_2_and_name_the_word() {
    for (words, named) in [
        (&["fly"][..], "fly"),
        (&["serve", "--listen", "127.0.0.1:0"], "--name"),
        (&["serve", "--listen", "127.0.0.1:0", "--name", "a", "--delay", "5"], "has no unit"),
        (&["serve", "--listen", "here", "--name", "a"], "ip:port"),
        (&["load"], "TARGET"),
        (&["load", "a:1", "--assert", "p99=10"], "has no unit"),
        (&["completions", "dos"], "bash"),
        (&["man", "fly"], "serve"),
        (&["load", "a:1", "--rate=-1"], "--rate"),
        (&["load", "a:1", "--refresh", "never"], "never"),
        (&["load", "a:1", "--method", "Check"], "SERVICE/METHOD"),
        (&["load", "a:1", "--forever", "-z", "1s"], "--forever"),
        (&["load", "a:1", "--assert", "errors=0"], "max-share=0.4"),
        (&["resolve", "a:1", "--refresh", "never"], "never"),
        (&["load", "nobody:///a:1"], "nobody"),
        (&["load", "a:1", "--cert", "c.pem"], "--key"),
        (&["load", "a:1", "--insecure", "--cacert", "ca.pem"], "--cacert"),
        (&["load", "a:1", "--tls", "--authority", "a_*b"], "a_*b"),
        (&["serve", "--listen", "127.0.0.1:0", "--name", "a", "--tls-cert", "c.pem"], "--tls-key"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "stdout is data");
    }
}

#[test]
fn help_and_version_are_answers() {
    for words in [
        &["completions", "--help"][..],
        &["man", "--help"],
        &["--help"],
        &["serve", "--help"],
        &["load", "--help"],
        &["demo", "--help"],
        &["--version"],
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn shells_and_man_know_the_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(script.contains("wait-for-ready") && script.contains("resolve"), "{shell}");
    }
    for (words, flag) in
        [(&["man"][..], "resolve"), (&["man", "load"], "wait\\-for\\-ready"), (&["man", "serve"], "lame")]
    {
        let output = run(words);
        let page = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(page.contains(".TH evenkeel") && page.contains(flag), "{words:?}: {page}");
    }
}

#[test]
fn a_bad_log_filter_is_told() {
    let pod = Pod::start("school-1", &[]);
    let of = |variables: &[(&str, &str)]| {
        let mut command = evenkeel(&["load", &pod.target(), "-n", "1", "--timeout", "30s"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    };
    let text = of(&[("EVENKEEL_LOG", "evenkeel=loud")]);
    assert!(text.starts_with("evenkeel: EVENKEEL_LOG=`evenkeel=loud` is not used, warn is: "), "{text}");
    let text = of(&[("EVENKEEL_LOG", "verbose"), ("RUST_LOG", "off")]);
    assert!(text.contains("`verbose` is no level") && text.contains("RUST_LOG is: "), "{text}");
    assert_eq!(of(&[("EVENKEEL_LOG", "off")]), "");
}

#[test]
fn an_address_in_use_is_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--listen", &address, "--name", "a"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn nobody_reading_is_no_error() {
    let pod = Pod::start("school-1", &[]);
    let mut child = evenkeel(&["load", &pod.target(), "-n", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

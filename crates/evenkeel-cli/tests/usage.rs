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
        (&["load", "a:1", "-z", "1s", "-n", "1"], "--calls"),
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
    for words in
        [&["--help"][..], &["serve", "--help"], &["load", "--help"], &["demo", "--help"], &["--version"]]
    {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
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

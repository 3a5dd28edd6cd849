//! The checker checked: texts that break each rule, and texts that only look as if they did.

use std::path::Path;

use crate::rules::{dependencies, h2_mentions, violations};

fn core(file: &str, text: &str) -> Vec<String> {
    violations(Path::new(file), text)
}

fn assert_caught(file: &str, text: &str, what: &str) {
    let found = core(file, text);
    assert!(
        found.iter().any(|v| v.contains(what)),
        "{file} with {text:?} should be caught for {what}: {found:?}"
    );
}

fn assert_clean(file: &str, text: &str) {
    let found = core(file, text);
    assert!(found.is_empty(), "{file} with {text:?} breaks no rule: {found:?}");
}

#[test]
fn sideways_imports_are_caught() {
    assert_caught("resolve/pacer.rs", "use crate::balance::Policy;", "`resolve` must not know `balance`");
    assert_caught("resolve/pacer.rs", "use super::super::balance;", "`balance`");
    assert_caught("resolve/mod.rs", "use super::balance;", "`balance`");
    assert_caught("call.rs", "use self::super::connect::Sub;", "`connect`");
    assert_caught("serve/age.rs", "pub(in crate::call) fn x() {}", "`call`");
}

#[test]
fn grouped_imports_are_caught() {
    assert_caught("connect/mod.rs", "use crate::{time::Time, serve};", "`serve`");
    assert_caught(
        "connect/mod.rs",
        "use crate::{time::{Time, *}, call::{self as c, X}, state::S as T};",
        "`call`",
    );
}

#[test]
fn upward_imports_are_caught() {
    assert_caught(
        "balance/round_robin.rs",
        "use crate::channel::Channel;",
        "`balance` must not know `channel`",
    );
    assert_caught("time.rs", "use crate::resolve::Pacer;", "`time` must not know `resolve`");
    assert_caught("backoff.rs", "use crate::channel;", "`channel`");
}

#[test]
fn inline_paths_are_caught() {
    assert_caught("resolve/pacer.rs", "fn f() { let p = crate::balance::Policy::new(); }", "`balance`");
    assert_caught("resolve/pacer.rs", "fn f(x: Vec<super::super::balance::X>) {}", "`balance`");
    assert_caught(
        "resolve/mod.rs",
        "mod tests { mod inner { use super::super::super::balance; } }",
        "`balance`",
    );
    assert_caught("resolve/mod.rs", "macro_rules! m { () => { $crate::balance::X } }", "`balance`");
}

#[test]
fn ways_around_the_rule_are_caught() {
    assert_caught("resolve/mod.rs", "use crate as root;", "root");
    assert_caught("resolve/mod.rs", "use crate::*;", "root");
    assert_caught("resolve/mod.rs", "use crate::{self as root};", "root");
    assert_caught("resolve/mod.rs", "use super::*;", "root");
    assert_caught("resolve/mod.rs", "use crate::r#balance::X;", "`balance`");
    assert_caught("lib.rs", "pub mod balance; pub use balance::Policy;", "re-exports nothing");
    assert_caught("helpers.rs", "pub fn x() {}", "give it a place");
}

#[test]
fn the_line_of_a_violation_is_named() {
    let found = core(
        "resolve/pacer.rs",
        "// one\n/* two\nthree */ const T: &str = \"four\nfive\";\nuse crate::call::X;",
    );
    assert_eq!(found, ["resolve/pacer.rs:5: `resolve` must not know `call`"]);
}

#[test]
fn what_is_allowed_stays_allowed() {
    assert_clean("resolve/pacer.rs", "use crate::time::Time; use crate::resolve::X; use super::Answer;");
    assert_clean("resolve/mod.rs", "mod tests { use super::*; fn f() { super::x(); } }");
    assert_clean("resolve/mod.rs", "pub(crate) fn x(&self) { self.balance.pick(); balance(); }");
    assert_clean("resolve/mod.rs", "struct X<'a>(&'a str); use super::time::{self, Time};");
    assert_clean("channel/mod.rs", "use crate::{balance, connect, resolve, time::Time};");
    assert_clean("channel.rs", "use crate::balance::X; use crate::connect::Y;");
    assert_clean("lib.rs", "//! use x\npub mod balance;\npub mod resolve;");
}

#[test]
fn comments_and_literals_name_nothing() {
    assert_clean("resolve/mod.rs", "/// See [`crate::balance::Policy`].\n//! crate::call\nfn f() {}");
    assert_clean("resolve/mod.rs", "/* crate::balance /* crate::call */ crate::serve */ fn f() {}");
    assert_clean(
        "resolve/mod.rs",
        r###"const A: &str = "a \" crate::call"; const B: &str = r#"" crate::serve "#;"###,
    );
    assert_clean(
        "resolve/mod.rs",
        r#"const A: char = '"'; const B: u8 = b'\''; const C: &[u8] = b"crate::call";"#,
    );
    assert_caught(
        "resolve/mod.rs",
        r#"const A: char = '"'; use crate::call::X; const B: char = '"';"#,
        "`call`",
    );
    assert_caught(
        "resolve/mod.rs",
        r#"const A: char = '\''; use crate::call::X; const B: &str = "'";"#,
        "`call`",
    );
}

#[test]
fn naming_h2_is_caught() {
    let caught = |text| !h2_mentions(Path::new("client/call.rs"), text).is_empty();
    assert!(caught("use h2::client;"));
    assert!(caught("use {bytes::Bytes, h2::Reason};"));
    assert!(caught("fn f() -> ::h2::Error { todo() }"));
    assert!(caught("use h2 as wire;"));
    assert!(caught("extern crate h2;"));
    assert!(!caught(
        "// h2::client\nuse crate::http2::h2::X; const ALPN: &[u8] = b\"h2\"; let h2 = 1; x.h2.y();"
    ));
}

#[test]
fn dependencies_of_every_kind_are_read() {
    let manifest = r#"
[package]
name = "x"
[dependencies]
# tokio = "1"
thiserror.workspace = true
bytes = "1"
[dev-dependencies]
proptest.workspace = true
[build-dependencies]
"cc" = "1"
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[dependencies.tokio]
version = "1"
[dev-dependencies.quinn]
version = "1"
[lints]
workspace = true
"#;
    assert_eq!(dependencies(manifest), ["thiserror", "bytes", "cc", "libc", "tokio"]);
}

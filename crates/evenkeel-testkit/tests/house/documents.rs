//! What the documents say stays true where a test can tell.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{assert_none, files, read, root};

/// The lines of the first fenced block.
fn first_block(text: &str) -> Vec<&str> {
    let after = text.lines().skip_while(|line| !line.starts_with("```")).skip(1);
    after.take_while(|line| !line.starts_with("```")).filter(|line| !line.is_empty()).collect()
}

/// The blocks of Rust in a page.
fn rust_blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```rust\n").skip(1);
    blocks.filter_map(|rest| rest.split_once("```")).map(|(block, _)| block.trim_end().to_owned()).collect()
}

/// A crate's front page as its readers see it: without the lines that only the compiler sees.
fn front_page(source: &str) -> String {
    let page = source.lines().filter_map(|line| line.strip_prefix("//!"));
    let shown = page
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| !line.starts_with("# ") || line.len() < 3);
    shown.collect::<Vec<_>>().join("\n")
}

/// The targets of `[text](target)` links that lie inside the repository, without their `#fragment`.
fn local_links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

/// The builder setters of a source: public methods that take `self` and return `Self`, those hidden from users and
/// those that add a service left out.
fn setters(text: &str) -> Vec<String> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    let parts: Vec<&str> = flat.split("pub fn ").collect();
    let is_shown = |before: &str| !before.rsplit('}').next().unwrap_or(before).contains("doc(hidden)");
    let shown = parts.windows(2).filter(|pair| is_shown(pair[0])).map(|pair| pair[1]);
    let is_setter = |head: &&str| {
        (head.contains("(self,") || head.contains("(mut self,"))
            && head.contains("-> Self")
            && !head.starts_with("add_")
    };
    let name = |head: &str| head.split(['(', '<']).next().unwrap_or(head).trim().to_owned();
    shown.map(|rest| rest.split('{').next().unwrap_or(rest)).filter(is_setter).map(name).collect()
}

/// The long flags of clap arguments in a source, those hidden from users left out.
fn flags(text: &str) -> Vec<String> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let arguments = flat.split("#[arg(").skip(1).filter_map(|rest| rest.split_once(")] "));
    let shown = arguments.filter(|(options, _)| options.contains("long") && !options.contains("hide"));
    let named = |options: &str| Some(options.split_once("long = \"")?.1.split_once('"')?.0.to_owned());
    let field =
        |text: &str| text.split(':').next()?.split_whitespace().last().map(|name| name.replace('_', "-"));
    shown
        .filter_map(|(options, text)| Some(format!("--{}", named(options).or_else(|| field(text))?)))
        .collect()
}

#[test]
fn the_readme_starts_with_the_two_commands() {
    let readme = read("README.md");
    assert_eq!(first_block(&readme), ["cargo run --release -- demo", "cargo test --workspace"]);
}

/// On the crate's front page the compiler reads them.
#[test]
fn the_readmes_examples_are_the_ones_that_are_compiled() {
    let (blocks, page) = (rust_blocks(&read("README.md")), front_page(&read("crates/evenkeel/src/lib.rs")));
    assert!(blocks.len() >= 2, "client and server: {blocks:?}");
    let missing = blocks.into_iter().filter(|block| !page.contains(block));
    assert_none(missing.collect(), "examples of README.md that crates/evenkeel/src/lib.rs does not have");
}

/// The lines that a file of a diff loses.
fn lines_lost<'a>(diff: &'a str, file: &str) -> Vec<&'a str> {
    let of_file =
        diff.split("\n--- ").find(|part| part.trim_start_matches("--- ").starts_with(&format!("a/{file}\n")));
    of_file.unwrap_or_default().lines().filter(|line| line.starts_with('-')).collect()
}

/// The diff itself is applied and built by `.ci/minimal`.
#[test]
fn what_a_migration_changes_is_counted() {
    let diff = read("examples/minimal/from-tonic.diff");
    assert_eq!(lines_lost(&diff, "src/bin/client.rs").len(), 3, "README.md and docs/migration.md say three");
    assert_eq!(
        lines_lost(&diff, "src/bin/server.rs").len(),
        2,
        "docs/migration.md says the import and one line"
    );
    assert!(read("README.md").contains("change three lines"));
    let page = read("docs/migration.md");
    let missing = lines_lost(&diff, "src/bin/client.rs").into_iter().filter(|line| !page.contains(line));
    assert_none(
        missing.map(str::to_owned).collect(),
        "lines of the diff that docs/migration.md does not show",
    );
}

#[test]
fn links_lead_somewhere() {
    let mut pages = files("docs", "md");
    pages.extend(files("deploy", "md"));
    pages.extend(files("examples", "md"));
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| (name.into(), read(name))));
    let dead = |page: &Path, text: &str| -> Vec<String> {
        let folder = root().join(page.parent().unwrap_or(page));
        let dead = local_links(text).into_iter().filter(|link| !folder.join(link).exists());
        dead.map(|link| format!("{}: {link}", page.display())).collect()
    };
    assert_none(pages.iter().flat_map(|(page, text)| dead(page, text)).collect(), "links to nothing");
}

#[test]
fn every_builder_setter_is_on_the_page_of_defaults() {
    let page = read("docs/defaults.md");
    let builders =
        files("crates/evenkeel/src", "rs").into_iter().filter(|(_, text)| text.contains("Builder"));
    let setters: BTreeSet<String> = builders.flat_map(|(_, text)| setters(&text)).collect();
    assert!(setters.contains("refresh"), "the builders are no longer found: {setters:?}");
    let missing = setters.into_iter().filter(|name| !page.contains(&format!("`{name}`")));
    assert_none(missing.collect(), "setters that docs/defaults.md leaves out");
}

#[test]
fn every_flag_is_on_the_page_of_defaults() {
    let page = read("docs/defaults.md");
    let flags: BTreeSet<String> =
        files("crates/evenkeel-cli/src", "rs").iter().flat_map(|(_, text)| flags(text)).collect();
    assert!(flags.contains("--refresh"), "the flags are no longer found: {flags:?}");
    let missing = flags.into_iter().filter(|flag| !page.contains(flag.as_str()));
    assert_none(missing.collect(), "flags that docs/defaults.md leaves out");
}

#[test]
fn the_checks_fire() {
    assert_eq!(first_block("a\n```sh\nb\n\nc\n```\n```\nd\n```"), ["b", "c"]);
    assert_eq!(local_links("[a](b.md#c) [d](https://e) [f](#g) ![h](i.svg)"), ["b.md", "i.svg"]);
    assert_eq!(rust_blocks("a\n```rust\nlet b;\n```\n```sh\nc\n```\n```rust\nd\n```"), ["let b;", "d"]);
    assert_eq!(front_page("//! a\n//!\n//! # hidden\n//! let b;\nuse c;"), "a\n\nlet b;");
    let source = "pub fn a(self, x: u8) -> Self {} pub fn b(&self) -> Self {} pub fn c<T>(\n mut self,\n x: T,\n) -> Self {}
        pub fn d(self) -> u8 {} fn e(self, x: u8) -> Self {}
        #[doc(hidden)] pub fn f(self, x: u8) -> Self {} pub fn add_g(self, x: u8) -> Self {}";
    assert_eq!(setters(source), ["a", "c"]);
    let source = "/// X\n#[arg(long, value_name = \"N\")]\npub(crate) max_age: u8,\n#[arg(short, long)] b: u8, #[arg(short)] c: u8,
        #[arg(long = \"call-it\")] g: u8, #[arg(long, hide = true)] d: u8, #[arg(short = 'z', long, value_parser = p::x(a).range(1..=9))]\npub e: Option<u8>,";
    assert_eq!(flags(source), ["--max-age", "--b", "--call-it", "--e"]);
}

//! Who may name whom.

use std::path::Path;

use crate::paths::{mentions, module_of};
use crate::source::tokens;

const STAGES: &[&str] = &["resolve", "balance", "connect", "call", "serve"];
const NOUNS: &[&str] = &[
    "target",
    "endpoint",
    "attributes",
    "update",
    "state",
    "code",
    "cause",
    "event",
    "backoff",
    "list",
    "text",
    "time",
    "random",
];
const WIRING: &str = "channel";

/// What `text`, the file `file` below core's `src`, names against the direction of dependencies.
pub(crate) fn violations(file: &Path, text: &str) -> Vec<String> {
    let module = module_of(file);
    let Some(top) = module.first().map(String::as_str) else {
        return root_violations(file, text);
    };
    let place = |line: usize| format!("{}:{line}", file.display());
    if !STAGES.contains(&top) && !NOUNS.contains(&top) && top != WIRING {
        return vec![format!(
            "{}: `{top}` is neither noun, stage nor wiring: give it a place in the rules",
            place(1)
        )];
    }
    let mut found = Vec::new();
    for mention in mentions(file, text) {
        match mention.path.first().map(String::as_str) {
            None => found.push(format!(
                "{}: names the crate's root, which hides what is imported",
                place(mention.line)
            )),
            Some(other) if !may_name(top, other) => {
                found.push(format!("{}: `{top}` must not know `{other}`", place(mention.line)));
            }
            Some(_) => {}
        }
    }
    found
}

fn may_name(top: &str, other: &str) -> bool {
    let is_noun = NOUNS.contains(&other);
    let is_stage = STAGES.contains(&other);
    other == top || is_noun || (top == WIRING && is_stage)
}

/// The root only declares modules: a re-export there would let a stage reach another under a neutral name.
fn root_violations(file: &Path, text: &str) -> Vec<String> {
    tokens(text)
        .iter()
        .filter(|token| matches!(token.text.as_str(), "use" | "extern"))
        .map(|token| {
            format!("{}:{}: the root declares modules and re-exports nothing", file.display(), token.line)
        })
        .collect()
}

/// Where `text` names the crate `h2`.
pub(crate) fn h2_mentions(file: &Path, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let text_at = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    (0..tokens.len())
        .filter(|at| text_at(*at) == "h2")
        .filter(|at| {
            let before = at.checked_sub(1).map_or("", text_at);
            // A module or field of that name is `::h2`, `.h2` or `mod h2`, none of which is the crate.
            let is_inner = before == "::" && at.checked_sub(2).is_some_and(|at| is_word(text_at(at)));
            !is_inner && (matches!(text_at(at + 1), "::" | "as") || matches!(before, "use" | "crate"))
        })
        .map(|at| format!("{}:{}: only the http2 folder may name h2", file.display(), tokens[at].line))
        .collect()
}

fn is_word(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// The names of all dependencies in a manifest that end up in the library: normal, build and per-target ones.
pub(crate) fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_list = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (owner, name) = section.rsplit_once("dependencies").unwrap_or(("", "-"));
            let is_dependencies = section.contains("dependencies") && !owner.ends_with("dev-");
            is_list = is_dependencies && name.is_empty();
            // `[dependencies.tokio]` names its crate in the heading.
            found.extend(name.strip_prefix('.').filter(|_| is_dependencies).map(str::to_owned));
        } else if is_list && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or(line);
            found.push(name.trim_matches('"').to_owned());
        }
    }
    found
}

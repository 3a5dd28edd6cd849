//! The paths that a text names, made absolute: `super::super::balance` in `resolve/pacer.rs` is `balance`.

use std::path::Path;

use crate::source::{Token, tokens};

/// A path inside the crate, from its root; an empty one is the root itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// The module that a file is, from its path below `src`.
pub(crate) fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| matches!(name.as_str(), "mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// Every path in `text` that starts with `crate`, `super` or `self`, in `use` trees and in code alike.
pub(crate) fn mentions(file: &Path, text: &str) -> Vec<Mention> {
    let mut reader =
        Reader { tokens: tokens(text), module: module_of(file), inline: Vec::new(), found: Vec::new() };
    reader.read_all();
    reader.found
}

struct Reader {
    tokens: Vec<Token>,
    module: Vec<String>,
    /// Inline `mod name { … }` blocks around the token at hand; other blocks are `None`.
    inline: Vec<Option<String>>,
    found: Vec<Mention>,
}

impl Reader {
    fn read_all(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            match self.text(at) {
                "{" => self.inline.push(self.module_opened_at(at)),
                "}" => drop(self.inline.pop()),
                "crate" | "super" | "self" if self.starts_path(at) => {
                    at = self.read_path(at);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.text(at))
    }

    fn module_opened_at(&self, brace: usize) -> Option<String> {
        (self.before(brace, 2) == "mod").then(|| self.before(brace, 1).to_owned())
    }

    /// `self` the value and the `crate` of `pub(crate)` are no paths.
    fn starts_path(&self, at: usize) -> bool {
        let is_visibility = self.before(at, 1) == "(" && self.before(at, 2) == "pub";
        let follows_path = self.before(at, 1) == "::";
        let is_value = self.text(at) == "self" && self.text(at + 1) != "::";
        !is_visibility && !follows_path && !is_value
    }

    /// Reads the path that starts at `at`, takes note of where it leads, and returns where it ends.
    fn read_path(&mut self, at: usize) -> usize {
        let mut base = self.module.clone();
        base.extend(self.inline.iter().flatten().cloned());
        let mut next = at;
        loop {
            match self.text(next) {
                "crate" => base.clear(),
                "super" => drop(base.pop()),
                "self" => {}
                _ => break,
            }
            next += 1;
            if self.text(next) != "::" {
                self.note(base, at);
                return next;
            }
            next += 1;
        }
        self.read_tree(base, next)
    }

    /// Reads what follows a `::`: a word and more of the path, a glob, or a group of such.
    fn read_tree(&mut self, mut base: Vec<String>, mut at: usize) -> usize {
        loop {
            match self.text(at) {
                "{" => return self.read_group(&base, at + 1),
                "*" | "self" | "<" => {
                    self.note(base, at);
                    return at + 1;
                }
                word => base.push(word.to_owned()),
            }
            at += 1;
            if self.text(at) != "::" {
                self.note(base, at - 1);
                return at;
            }
            at += 1;
        }
    }

    fn read_group(&mut self, base: &[String], mut at: usize) -> usize {
        while !matches!(self.text(at), "}" | "") {
            at = match self.text(at) {
                "," => at + 1,
                "as" => at + 2,
                _ => self.read_tree(base.to_vec(), at),
            };
        }
        at + 1
    }

    fn note(&mut self, path: Vec<String>, at: usize) {
        self.found.push(Mention { path, line: self.tokens[at].line });
    }
}

//! What has been said already.

use std::collections::HashSet;

/// More different faults than this are not told apart: they would be a flood, too.
const MOST: usize = 64;

/// Remembers what was said, so that it is said once and not at each lookup.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<String>);

impl Told {
    /// Whether `text` is news.
    pub(super) fn is_new(&mut self, text: String) -> bool {
        self.0.len() < MOST && self.0.insert(text)
    }

    /// Says a warning, if it is news.
    pub(super) fn warn(&mut self, host: &str, text: String) {
        self.warn_of(host, text.clone(), text);
    }

    /// Says a warning, if none was said of this `fault`, with whatever text.
    pub(super) fn warn_of(&mut self, host: &str, fault: String, text: String) {
        if self.is_new(fault) {
            tracing::warn!(host, "{text}");
        }
    }
}

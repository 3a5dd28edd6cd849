//! Failed calls by code, each code with what the first of them said.

use std::collections::BTreeMap;

use crate::text::printable;

/// How much of a status' message is kept: enough for every cause that we name, and no more of what a peer sends.
const LONGEST: usize = 400;

/// Failed calls, by gRPC's code names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many of each code.
    pub counts: BTreeMap<&'static str, u64>,
    /// The message of the first one of each code, fit for a terminal; none where it was empty.
    pub messages: BTreeMap<&'static str, String>,
}

impl Failures {
    pub(crate) fn add(&mut self, code: &'static str, message: &str) {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count == 1 && !message.is_empty() {
            self.messages.insert(code, shortened(&printable(message)));
        }
    }

    /// The message of a code's first failure, or nothing.
    pub fn message(&self, code: &str) -> &str {
        self.messages.get(code).map_or("", String::as_str)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, LONGEST};

    #[test]
    fn the_first_message_of_each_code_is_kept() {
        let mut failures = Failures::default();
        for (code, message) in [("A", "one"), ("A", "two"), ("B", ""), ("B", "late")] {
            failures.add(code, message);
        }
        assert_eq!((failures.counts["A"], failures.counts["B"]), (2, 2));
        assert_eq!((failures.message("A"), failures.message("B")), ("one", ""));
    }

    #[test]
    fn what_a_peer_says_is_made_harmless_and_short() {
        let mut failures = Failures::default();
        failures.add("A", "a\x1b[2Jb\nforged \u{9b}1m");
        assert_eq!(failures.message("A"), "a\u{fffd}[2Jb\u{fffd}forged \u{fffd}1m");
        failures.add("B", &"ö".repeat(LONGEST + 1));
        assert_eq!(failures.message("B"), format!("{}…", "ö".repeat(LONGEST)));
    }
}

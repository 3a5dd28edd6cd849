//! Texts that come from peers.

/// `text` without control characters and without those that turn the direction of writing, each replaced by U+FFFD: what a
/// peer says must not be able to move a terminal's cursor, or to rearrange what stands around it.
pub(crate) fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|c: char| c.is_control() || turns(c), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_would_disturb_is_replaced() {
        assert_eq!(printable("a\x1b[2Jb\n\u{202e}c\u{2066}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}");
        assert_eq!(printable("school-1 ☺ ö"), "school-1 ☺ ö");
    }
}

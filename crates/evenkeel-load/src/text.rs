//! Texts that come from peers.

/// `text` without control characters and without those that turn the direction of writing, each replaced by U+FFFD: what a
/// peer says must not be able to move a terminal's cursor, or to rearrange what stands around it.
pub fn printable(text: &str) -> String {
    let turns_or_breaks_a_line = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|c: char| c.is_control() || turns_or_breaks_a_line(c), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_would_disturb_is_replaced() {
        assert_eq!(printable("a\x1b[2Jb\n\u{202e}c\u{2066}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}");
        assert_eq!(printable("a\u{2028}b\u{2029}c\u{61c}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(printable("school-1 ☺ ö"), "school-1 ☺ ö");
    }
}

//! Text that comes from a peer, on its way into a log, a status or a terminal.

use std::borrow::Cow;

/// Control characters, line separators, and the marks that turn a line's direction, as `\n` and `\u{..}`.
///
/// A peer's text must not be able to begin a new line of a log, nor to move the cursor of a terminal.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            escaped.push(c);
        } else {
            escaped.extend(c.escape_default());
        }
    }
    Cow::Owned(escaped)
}

fn is_plain(c: char) -> bool {
    let turns_or_breaks_a_line = matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !c.is_control() && !turns_or_breaks_a_line
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_peers_text_stays_on_its_line() {
        assert_eq!(escape("too_many_pings"), "too_many_pings");
        assert_eq!(escape("größer, 大"), "größer, 大");
        let hostile = "a\nERROR forged\r\t\u{1b}[2J\u{202e}x\0\u{9b}";
        assert_eq!(escape(hostile), "a\\nERROR forged\\r\\t\\u{1b}[2J\\u{202e}x\\u{0}\\u{9b}");
    }
}

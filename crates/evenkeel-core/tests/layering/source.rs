//! Rust source as tokens, without its comments and literals: enough to see which paths a text names.

/// One token and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Words, `::`, and every other character by itself. Comments, strings and character literals are left out.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < text.len() {
        let end = skip_unspoken(&text, at);
        if end > at {
            line += text[at..end].iter().filter(|c| **c == '\n').count();
            at = end;
            continue;
        }
        let end = token_end(&text, at);
        found.push(Token { text: text[at..end].iter().collect(), line });
        at = end;
    }
    found
}

fn token_end(text: &[char], at: usize) -> usize {
    if is_word(text[at]) {
        // A raw identifier names the same thing as the plain one; `r#` goes away with the white space.
        return at + text[at..].iter().take_while(|c| is_word(**c)).count();
    }
    if text[at..].starts_with(&[':', ':']) { at + 2 } else { at + 1 }
}

/// Where the white space, comment or literal that starts at `at` ends; `at` itself when none does.
fn skip_unspoken(text: &[char], at: usize) -> usize {
    let rest = &text[at..];
    if rest[0].is_whitespace() {
        return at + 1;
    }
    if rest.starts_with(&['/', '/']) {
        return at + rest.iter().take_while(|c| **c != '\n').count();
    }
    if rest.starts_with(&['/', '*']) {
        return block_comment_end(text, at);
    }
    if rest[0] == '"' {
        return quoted_end(text, at + 1, '"');
    }
    if rest[0] == '\'' {
        return character_end(text, at);
    }
    literal_with_prefix_end(text, at)
}

/// `r"…"`, `br#"…"#`, `b"…"`, `c"…"`, `b'…'` and the `r#` of a raw identifier.
fn literal_with_prefix_end(text: &[char], at: usize) -> usize {
    let follows_word = at > 0 && is_word(text[at - 1]);
    let prefix = text[at..].iter().take_while(|c| matches!(**c, 'r' | 'b' | 'c')).count();
    if follows_word || prefix == 0 || prefix > 2 {
        return at;
    }
    let hashes = text[at + prefix..].iter().take_while(|c| **c == '#').count();
    let is_raw = text[at..at + prefix].contains(&'r');
    let open = at + prefix + hashes;
    match text.get(open) {
        Some('"') if is_raw => raw_end(text, open + 1, hashes),
        Some('"') if hashes == 0 => quoted_end(text, open + 1, '"'),
        Some('\'') if hashes == 0 && text[at] == 'b' => quoted_end(text, open + 1, '\''),
        Some(next) if is_raw && hashes == 1 && is_word(*next) => open,
        _ => at,
    }
}

fn quoted_end(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

fn raw_end(text: &[char], mut at: usize, hashes: usize) -> usize {
    let closes =
        |at: usize| text[at] == '"' && text[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    while at < text.len() && !closes(at) {
        at += 1;
    }
    (at + 1 + hashes).min(text.len())
}

/// `'a'` is a literal, `'a` a lifetime, of which only the quote is skipped.
fn character_end(text: &[char], at: usize) -> usize {
    match (text.get(at + 1), text.get(at + 2)) {
        (Some('\\'), _) => quoted_end(text, at + 1, '\''),
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

fn block_comment_end(text: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while at < text.len() {
        if text[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

//! Texts and numbers as they may stand in HTML.

use evenkeel_load::printable;

/// `text` as it may stand between tags and in quoted attributes, and printable.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// `3.2 s`, never broken between number and unit.
pub(super) fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}\u{a0}s")
}

/// `3.2–3.6 s`, or `3.2 s` where both ends read the same.
pub(super) fn span(from: f64, to: f64) -> String {
    let (start, end) = (format!("{from:.1}"), format!("{to:.1}"));
    if start == end { format!("{start}\u{a0}s") } else { format!("{start}–{end}\u{a0}s") }
}

/// A share of 0–1 for people: `33.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", unit(share) * 100.0)
}

/// A part of 0–1 for CSS: `33.33%`.
pub(super) fn css_percent(part: f64) -> String {
    format!("{:.2}%", unit(part) * 100.0)
}

/// `3 calls`, `1 call`
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Into 0–1; what is no number is nothing, so that neither NaN nor infinity gets onto the page.
pub(super) fn unit(part: f64) -> f64 {
    if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
}

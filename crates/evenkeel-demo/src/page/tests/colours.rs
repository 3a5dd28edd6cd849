//! Colours: read from the style sheet, scheme by scheme.

use super::between;
use crate::page::style::{COLOURS, STYLE};

/// WCAG's relative luminance of `#rgb` or `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let digits = colour.trim().trim_start_matches('#');
    let size = digits.len() / 3;
    let part = |index: usize| {
        let part = digits[index * size..(index + 1) * size].repeat(3 - size);
        let value = f64::from(u8::from_str_radix(&part, 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

#[test]
fn colours_stand_out_in_both_schemes() {
    let colour = |scheme: usize, name: &str| between(STYLE, &format!("--{name}: "), ";")[scheme];
    for scheme in [0, 1] {
        for series in 1..=COLOURS {
            let contrast = contrast(colour(scheme, &format!("s{series}")), colour(scheme, "surface"));
            assert!(contrast >= 3.0, "pod {series} in scheme {scheme}: {contrast}");
        }
        for (text, back) in [("ink", "surface"), ("ink", "page"), ("muted", "surface"), ("muted", "page")] {
            assert!(contrast(colour(scheme, text), colour(scheme, back)) >= 4.5, "{text} on {back}");
        }
        for text in ["good", "bad", "warn", "calm"] {
            let back = format!("{text}-back");
            assert!(contrast(colour(scheme, text), colour(scheme, &back)) >= 4.5, "{text} on {back}");
        }
        for (text, back) in [("good", "page"), ("bad", "page")] {
            assert!(contrast(colour(scheme, text), colour(scheme, back)) >= 4.5, "{text} on {back}");
        }
    }
    assert!(!STYLE.contains(&format!("--s{}:", COLOURS + 1)), "there are more colours than are used");
}

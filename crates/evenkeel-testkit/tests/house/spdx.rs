//! Licence expressions: is there a way to use the crate under allowed licences alone?

/// Whether `expression` can be met with the licences for which `is_allowed` says yes.
///
/// `AND` binds tighter than `OR`; the old `/` means `OR`; an exception (`A WITH B`) is part of the licence's name.
pub(crate) fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let is_met = any(&mut rest, is_allowed);
    assert!(rest.is_empty(), "not a licence expression: {expression}");
    is_met
}

fn any(rest: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut is_met = all(rest, is_allowed);
    while take(rest, "OR") {
        is_met |= all(rest, is_allowed);
    }
    is_met
}

fn all(rest: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut is_met = one(rest, is_allowed);
    while take(rest, "AND") {
        is_met &= one(rest, is_allowed);
    }
    is_met
}

fn one(rest: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    if take(rest, "(") {
        let is_met = any(rest, is_allowed);
        assert!(take(rest, ")"), "a licence expression lacks its closing parenthesis");
        return is_met;
    }
    let (name, after) = rest.split_first().expect("a licence expression ends too soon");
    *rest = after;
    if take(rest, "WITH") {
        let (exception, after) = rest.split_first().expect("a licence expression lacks its exception");
        *rest = after;
        return is_allowed(&format!("{name} WITH {exception}"));
    }
    is_allowed(name)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let is_next = rest.first() == Some(&word);
    if is_next {
        *rest = &rest[1..];
    }
    is_next
}

#[test]
fn expressions_are_read_as_written() {
    let met = |expression| {
        is_met(expression, &|name| matches!(name, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception"))
    };
    assert!(met("MIT"));
    assert!(met("GPL-3.0 OR MIT"));
    assert!(met("GPL-3.0/MIT"));
    assert!(met("MIT AND ISC"));
    assert!(met("GPL-3.0 AND MIT OR ISC"));
    assert!(met("MIT AND (GPL-3.0 OR ISC)"));
    assert!(met("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    assert!(!met("GPL-3.0"));
    assert!(!met("MIT AND GPL-3.0"));
    assert!(!met("(MIT OR ISC) AND GPL-3.0"));
    assert!(!met("Apache-2.0 OR GPL-3.0"));
    assert!(!met("MIT AND (GPL-3.0 OR GPL-2.0)"));
}

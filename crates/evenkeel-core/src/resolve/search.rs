//! Which absolute names a name may stand for (resolv.conf's `search` and `ndots`).

use super::resolv_conf::ResolvConf;

/// The longest absolute name, with its final dot.
const LONGEST: usize = 254;
const LONGEST_LABEL: usize = 63;

/// What a name may stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Absolute names, each with its final dot and once, in the order to ask for them.
    pub names: Vec<String>,
    /// The domains of the search list that make no name, and why; they are passed over.
    pub refused: Vec<(String, &'static str)>,
}

/// The absolute names that `name` may stand for.
///
/// A name with a final dot is itself. Any other is asked for as it is before the search list if it has at least
/// `ndots` dots, else after it; there, `no-tld-query` leaves one without a dot out, unless nothing else is asked for.
pub fn candidates(name: &str, conf: &ResolvConf) -> Candidates {
    if name.ends_with('.') {
        return Candidates { names: vec![name.to_owned()], refused: Vec::new() };
    }
    let dots = name.matches('.').count();
    let mut refused = Vec::new();
    let mut names = Vec::new();
    for domain in &conf.search {
        let absolute = match domain.strip_suffix('.').unwrap_or(domain) {
            "" => format!("{name}."),
            bare => format!("{name}.{bare}."),
        };
        match fault(domain, &absolute) {
            Some(reason) => refused.push((domain.clone(), reason)),
            None => names.push(absolute),
        }
    }
    if dots >= conf.ndots {
        names.insert(0, format!("{name}."));
    } else if dots > 0 || names.is_empty() || !conf.no_tld_query {
        names.push(format!("{name}."));
    }
    let mut unique: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !unique.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            unique.push(name);
        }
    }
    Candidates { names: unique, refused }
}

/// What keeps a search domain from making a name.
fn fault(domain: &str, absolute: &str) -> Option<&'static str> {
    let bare = domain.strip_suffix('.').unwrap_or(domain);
    if !domain.is_ascii()
        || domain.bytes().any(|byte| byte.is_ascii_control() || b"\\\"()@;#".contains(&byte))
    {
        return Some("it has characters that no DNS name has");
    }
    if !bare.is_empty() && bare.split('.').any(str::is_empty) || domain.is_empty() {
        return Some("a label is empty");
    }
    if bare.split('.').any(|label| label.len() > LONGEST_LABEL) {
        return Some("a label is longer than 63 characters");
    }
    (absolute.len() > LONGEST).then_some("the name would be longer than 253 characters")
}

#[cfg(test)]
mod tests {
    use super::{ResolvConf, candidates};

    fn conf(ndots: usize, search: &[&str]) -> ResolvConf {
        let search = search.iter().map(|domain| (*domain).to_owned()).collect();
        ResolvConf { ndots, search, ..ResolvConf::default() }
    }

    #[test]
    fn names_are_walked_as_resolv_conf_says() {
        let pod = ["ns.svc.cluster.local", "svc.cluster.local.", "cluster.local"];
        let searched = ["a.b.ns.svc.cluster.local.", "a.b.svc.cluster.local.", "a.b.cluster.local."];
        let table: [(&str, usize, &[&str], Vec<&str>); 8] = [
            ("a.b", 5, &pod, [&searched[..], &["a.b."]].concat()),
            ("a.b", 1, &pod, [&["a.b."], &searched[..]].concat()),
            ("a.b", 0, &pod, [&["a.b."], &searched[..]].concat()),
            ("a.b.", 5, &pod, vec!["a.b."]),
            ("a", 1, &[], vec!["a."]),
            ("a", 1, &["."], vec!["a."]),
            ("a", 1, &["x", "X"], vec!["a.x.", "a."]),
            ("a", 1, &["x_y-z.", "*.x"], vec!["a.x_y-z.", "a.*.x.", "a."]),
        ];
        for (name, ndots, search, expected) in table {
            let found = candidates(name, &conf(ndots, search));
            assert_eq!(
                (found.names, found.refused),
                (expected.iter().map(|n| (*n).to_owned()).collect(), vec![])
            );
        }
    }

    #[test]
    fn a_domain_that_makes_no_name_is_passed_over_and_told() {
        let (label, long) = ("x".repeat(70), ["x"; 126].join("."));
        let search = ["a..b", ".b", "..", &label, "müller.de", "a\u{fffd}b", &long, "#", "ok.test"];
        let found = candidates("ab", &conf(1, &search));
        assert_eq!(found.names, ["ab.ok.test.", "ab."]);
        let refused: Vec<_> = found.refused.iter().map(|(domain, _)| domain.as_str()).collect();
        assert_eq!(refused, &search[..8]);
    }

    #[test]
    fn a_name_without_a_dot_is_no_top_level_domain_where_the_file_says_so() {
        let names = |name: &str, ndots: usize, search: &[&str]| {
            candidates(name, &ResolvConf { no_tld_query: true, ..conf(ndots, search) }).names
        };
        assert_eq!(names("a", 1, &["x"]), ["a.x."]);
        assert_eq!(names("a.b", 1, &["x"]), ["a.b.", "a.b.x."]);
        assert_eq!(names("a.b", 2, &["x"]), ["a.b.x.", "a.b."]);
        assert_eq!(names("a", 0, &["x"]), ["a.", "a.x."], "it has dots enough");
        assert_eq!(names("a", 1, &[]), ["a."], "there is nothing else");
        assert_eq!(names("a", 1, &["a..b"]), ["a."], "likewise");
    }
}

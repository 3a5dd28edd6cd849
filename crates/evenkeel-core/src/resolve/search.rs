//! Which absolute names a name may stand for (resolv.conf's `search` and `ndots`).

/// The absolute names, each with its trailing dot, in the order to ask for them.
///
/// A name with a trailing dot is itself. Any other is asked for as it is before the search list if it has at least
/// `ndots` dots, else after it. The `winner`, the name that had addresses last, comes first: in a pod (`ndots:5`) each
/// lookup would otherwise begin with three names that do not exist.
pub fn candidates(name: &str, ndots: usize, search: &[String], winner: Option<&str>) -> Vec<String> {
    if name.ends_with('.') {
        return vec![name.to_owned()];
    }
    let as_is = format!("{name}.");
    let searched = search.iter().map(|domain| match domain.trim_matches('.') {
        "" => as_is.clone(),
        domain => format!("{name}.{domain}."),
    });
    let mut names: Vec<String> = if name.matches('.').count() >= ndots {
        std::iter::once(as_is.clone()).chain(searched).collect()
    } else {
        searched.chain(std::iter::once(as_is.clone())).collect()
    };
    // 253 characters and the dot: a longer name cannot be asked for.
    names.retain(|name| name.len() <= 254);
    let mut unique: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !unique.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            unique.push(name);
        }
    }
    if let Some(at) = winner.and_then(|winner| unique.iter().position(|name| name == winner)) {
        unique[..=at].rotate_right(1);
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn names_are_walked_as_resolv_conf_says_the_winner_first() {
        let pod = ["ns.svc.cluster.local".to_owned(), "svc.cluster.local.".into(), "cluster.local".into()];
        let (in_ns, in_svc, in_cluster) =
            ("a.b.ns.svc.cluster.local.", "a.b.svc.cluster.local.", "a.b.cluster.local.");
        type Row<'a> = (&'a str, usize, &'a [String], Option<&'a str>, &'a [&'a str]);
        let table: [Row<'_>; 9] = [
            ("a.b", 5, &pod, None, &[in_ns, in_svc, in_cluster, "a.b."]),
            ("a.b", 1, &pod, None, &["a.b.", in_ns, in_svc, in_cluster]),
            ("a.b", 5, &pod, Some(in_svc), &[in_svc, in_ns, in_cluster, "a.b."]),
            ("a.b", 5, &pod, Some("a.b."), &["a.b.", in_ns, in_svc, in_cluster]),
            ("a.b", 5, &pod, Some("else."), &[in_ns, in_svc, in_cluster, "a.b."]),
            ("a.b.", 5, &pod, Some(in_svc), &["a.b."]),
            ("a", 1, &[], None, &["a."]),
            ("a", 1, &[".".into()], None, &["a."]),
            ("a", 1, &["x".into(), "X".into()], None, &["a.x.", "a."]),
        ];
        for (name, ndots, search, winner, expected) in table {
            assert_eq!(candidates(name, ndots, search, winner), expected, "{name} {ndots} {winner:?}");
        }
        let long = "x".repeat(252);
        assert_eq!(candidates("a", 1, &[long], None), ["a."]);
    }
}

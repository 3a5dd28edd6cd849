//! What an act is there for, in words: a problem that is shown is no good news, a remedy that holds is.

/// What the reader is told of an act beside its claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The part that the act plays.
    pub role: Role,
    /// What the act means, in one line.
    pub meaning: &'static str,
    /// What to look for in its chart.
    pub(crate) look: &'static str,
    /// The warnings that any client would log here. They belong to the act: the demo keeps them out of its own log.
    pub expected: Option<&'static str>,
}

/// The part that an act plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It shows what goes wrong without the remedies.
    Problem,
    /// It shows what helps.
    #[default]
    Remedy,
    /// Pods or DNS fail, and calls go on.
    Trouble,
}

impl Role {
    /// In the order in which they are counted.
    pub const ALL: [Self; 3] = [Self::Problem, Self::Remedy, Self::Trouble];

    /// Its name, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Remedy => "remedy",
            Self::Trouble => "trouble",
        }
    }

    /// What is said of an act that went as claimed, or did not.
    pub fn verdict(self, as_claimed: bool) -> &'static str {
        match (self, as_claimed) {
            (Self::Problem, true) => "shown",
            (Self::Problem, false) => "not shown",
            (Self::Remedy, true) => "holds",
            (Self::Remedy, false) => "does not hold",
            (Self::Trouble, true) => "survived",
            (Self::Trouble, false) => "not survived",
        }
    }

    /// What is said of those among several that went as claimed.
    fn verdict_of_many(self) -> &'static str {
        if self == Self::Remedy { "hold" } else { self.verdict(true) }
    }
}

/// The outcome of all acts, each told by its role and whether it went as claimed: in one line, and by role.
pub fn outcome(acts: impl Iterator<Item = (Role, bool)> + Clone) -> (String, String) {
    let count = |wanted: Option<Role>| {
        let of = acts.clone().filter(|(role, _)| wanted.is_none_or(|wanted| wanted == *role));
        (of.clone().filter(|(_, as_claimed)| *as_claimed).count(), of.count())
    };
    let (went, all) = count(None);
    let by_role =
        Role::ALL.into_iter().map(|role| (role, count(Some(role)))).filter(|(_, (_, all))| *all > 0);
    let words: Vec<_> = by_role
        .map(|(role, (went, all))| format!("{}: {went} of {all} {}", role.word(), role.verdict_of_many()))
        .collect();
    (format!("{went} of {all} acts went as claimed"), words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Role, outcome};

    #[test]
    fn no_two_roles_share_a_verdict() {
        let all: Vec<_> =
            Role::ALL.iter().flat_map(|role| [role.verdict(true), role.verdict(false)]).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }

    #[test]
    fn the_outcome_tells_them_apart() {
        let acts = [(Role::Problem, true), (Role::Trouble, true), (Role::Trouble, false)];
        let (line, by_role) = outcome(acts.into_iter());
        assert_eq!(line, "2 of 3 acts went as claimed");
        assert_eq!(by_role, "problem: 1 of 1 shown, trouble: 1 of 2 survived");
        assert_eq!(outcome(std::iter::empty()), ("0 of 0 acts went as claimed".to_owned(), String::new()));
    }
}

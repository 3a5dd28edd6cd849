//! What changed from one answer to the next.

use std::collections::BTreeSet;
use std::time::Duration;

use super::lookup::{Found, Outcome};

/// What is known of one target.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    known: BTreeSet<String>,
    trouble: Option<&'static str>,
}

/// One change of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) kind: Kind,
    pub(crate) ttl: Option<Duration>,
    pub(crate) next: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An endpoint is new.
    Added(String),
    /// An endpoint is gone.
    Removed(String),
    /// The name has no backend any more, and why one thinks so.
    Absent(String),
    /// Nothing can be learnt any more; what was known still is.
    Failed(String),
    /// After trouble there is an answer again, and it is the one from before.
    Unchanged,
}

impl Changes {
    /// What `found` changes. Trouble that goes on is no change.
    pub(crate) fn on_found(&mut self, found: &Found) -> Vec<Change> {
        let kinds = match &found.outcome {
            Outcome::Endpoints(endpoints) => self.on_endpoints(endpoints.iter().cloned().collect()),
            Outcome::Absent(reason) => {
                let is_new = self.trouble.replace("absent") != Some("absent");
                let gone = std::mem::take(&mut self.known).into_iter().map(Kind::Removed);
                gone.chain(is_new.then(|| Kind::Absent(reason.clone()))).collect()
            }
            Outcome::Failed(reason) => {
                let is_new = self.trouble.replace("failed") != Some("failed");
                is_new.then(|| Kind::Failed(reason.clone())).into_iter().collect()
            }
            Outcome::Asking => Vec::new(),
        };
        let change = |kind| Change { target: found.target.clone(), kind, ttl: found.ttl(), next: found.next };
        kinds.into_iter().map(change).collect()
    }

    fn on_endpoints(&mut self, now: BTreeSet<String>) -> Vec<Kind> {
        let before = std::mem::replace(&mut self.known, now.clone());
        let was_in_trouble = self.trouble.take().is_some();
        let added = now.difference(&before).cloned().map(Kind::Added);
        let removed = before.difference(&now).cloned().map(Kind::Removed);
        let kinds: Vec<Kind> = added.chain(removed).collect();
        if kinds.is_empty() && was_in_trouble { vec![Kind::Unchanged] } else { kinds }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{absent, failed, found};
    use super::{Changes, Kind};

    fn added(address: &str) -> Kind {
        Kind::Added(address.to_owned())
    }

    fn removed(address: &str) -> Kind {
        Kind::Removed(address.to_owned())
    }

    #[test]
    fn only_changes_are_told() {
        let (one, two) = ("10.0.0.1:1", "10.0.0.2:1");
        let mut changes = Changes::default();
        let mut kinds =
            |found| changes.on_found(&found).into_iter().map(|change| change.kind).collect::<Vec<_>>();
        assert_eq!(kinds(found("a:1", &[one], 5)), [added(one)]);
        assert_eq!(kinds(found("a:1", &[one], 4)), []);
        assert_eq!(kinds(found("a:1", &[two, one], 5)), [added(two)]);
        assert!(matches!(&kinds(failed())[..], [Kind::Failed(_)]));
        assert_eq!(kinds(failed()), [], "the same trouble is told once");
        assert_eq!(kinds(found("a:1", &[one, two], 5)), [Kind::Unchanged]);
        let gone = kinds(absent());
        assert_eq!(gone[..2], [removed(one), removed(two)]);
        assert!(matches!(&gone[2..], [Kind::Absent(_)]));
        assert_eq!(kinds(absent()), []);
        assert!(matches!(&kinds(failed())[..], [Kind::Failed(_)]), "another trouble is a change");
        assert_eq!(kinds(found("a:1", &[two], 5)), [added(two)]);
    }
}

//! The questions that are under way.

use std::future::poll_fn;
use std::task::Poll;

use evenkeel_core::resolve::{Family, FamilyOutcome};

use super::super::BoxFuture;
use super::query::QueryError;

/// Questions, each for the records of one family of one name. They outlive the lookup that put them: an answer that
/// comes late is taken in late, and is not asked for again meanwhile. Dropping this drops them.
#[derive(Default)]
pub(super) struct Questions(Vec<Open>);

/// What came of a question.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) outcome: FamilyOutcome<QueryError>,
}

struct Open {
    name: String,
    family: Family,
    outcome: BoxFuture<'static, FamilyOutcome<QueryError>>,
}

impl Questions {
    /// Puts a question, unless it is under way.
    pub(super) fn ask(
        &mut self,
        name: &str,
        family: Family,
        question: impl FnOnce() -> BoxFuture<'static, FamilyOutcome<QueryError>>,
    ) {
        if !self.0.iter().any(|open| open.is(name, family)) {
            self.0.push(Open { name: name.to_owned(), family, outcome: question() });
        }
    }

    /// Drops all but one.
    pub(super) fn keep_only(&mut self, name: &str, family: Option<Family>) {
        self.0.retain(|open| family.is_some_and(|family| open.is(name, family)));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Waits for the next one to be answered; for ever if there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> Answered {
        poll_fn(|cx| {
            for at in 0..self.0.len() {
                if let Poll::Ready(outcome) = self.0[at].outcome.as_mut().poll(cx) {
                    let Open { name, family, .. } = self.0.swap_remove(at);
                    return Poll::Ready(Answered { name, family, outcome });
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Open {
    fn is(&self, name: &str, family: Family) -> bool {
        self.family == family && self.name == name
    }
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|open| (&open.name, open.family))).finish()
    }
}

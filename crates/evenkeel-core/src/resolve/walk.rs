//! The walk through the names that a host may stand for.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::families::{Family, FamilyOutcome, Had, NameOutcome, Records, merge};
use super::known::Known;
use crate::time::Time;

/// How long the other family's answer is waited for after one family's records (RFC 8305 §3).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// How long a name that is silent is waited for: before the next one is asked beside it, and once a later one has
/// answered with records.
pub const SILENCE: Duration = Duration::from_secs(1);

/// Decides which of a host's names are asked for, and which one's answer holds.
///
/// The names are asked for in their order, and the first in that order that has records wins. The name that won last
/// time and all before it are asked for together: that saves time, and never changes the answer. An error does not end
/// the walk; it only makes it *failed* instead of *absent* when no name has records. A name whose server is silent
/// holds the others up for [`SILENCE`], not for its whole patience.
#[derive(Debug)]
pub struct Walk<E> {
    steps: Vec<Step<E>>,
    asked: usize,
    together: usize,
    delay: Duration,
}

/// What a walk led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<E> {
    /// A name has records.
    Found {
        /// The first in the order that has.
        name: String,
        /// They.
        records: Records<E>,
        /// The family whose question is still open. What comes of it can be taken in later, by
        /// [`FamilyOutcome::beside_records`].
        open: Option<Family>,
    },
    /// No name has records.
    Absent(Vec<String>),
    /// Whether one has could not be learnt.
    Failed {
        /// What went wrong.
        errors: Vec<E>,
        /// The names whose answers contradict themselves, as [`NameOutcome::Contradicted`] says.
        contradicted: Vec<String>,
    },
}

#[derive(Debug)]
struct Step<E> {
    name: String,
    had: Had,
    asked_at: Time,
    positive_at: Option<Time>,
    a: Option<FamilyOutcome<E>>,
    aaaa: Option<FamilyOutcome<E>>,
}

impl<E> Walk<E> {
    /// A walk through `names`, in this order, by a resolver that knows `known`. `delay`: [`RESOLUTION_DELAY`].
    pub fn new(names: Vec<String>, known: &Known, delay: Duration) -> Self {
        let winner = known.winner().and_then(|winner| names.iter().position(|name| name == winner));
        let step = |name: String| Step {
            had: known.had(&name),
            name,
            asked_at: Time::ORIGIN,
            positive_at: None,
            a: None,
            aaaa: None,
        };
        let steps: Vec<_> = names.into_iter().map(step).collect();
        Self { steps, asked: 0, together: winner.unwrap_or(0) + 1, delay }
    }

    /// The names to ask for now, for both families; each is given once.
    pub fn next_names(&mut self, now: Time) -> Vec<String> {
        let mut names = Vec::new();
        while self.asked < self.steps.len() && self.wants_another(now) {
            let step = &mut self.steps[self.asked];
            step.asked_at = now;
            names.push(step.name.clone());
            self.asked += 1;
        }
        names
    }

    /// Takes in an answer for a name that was asked for; others are ignored.
    pub fn on_outcome(&mut self, now: Time, name: &str, family: Family, outcome: FamilyOutcome<E>) {
        let Some(step) = self.steps[..self.asked].iter_mut().find(|step| step.name == name) else { return };
        if outcome.is_positive() {
            step.positive_at.get_or_insert(now);
        }
        match family {
            Family::V4 => step.a = Some(outcome),
            Family::V6 => step.aaaa = Some(outcome),
        }
    }

    /// When to look at [`Self::next_names`] and [`Self::verdict`] again though no answer has come.
    pub fn next_wakeup(&self) -> Option<Time> {
        let Some(positive) = self.first_positive() else {
            let last = self.steps[..self.asked].last()?;
            return (self.asked < self.steps.len()).then(|| last.asked_at + SILENCE);
        };
        let step = &self.steps[positive];
        let complete = step.positive_at.filter(|_| !step.is_settled()).map(|at| at + self.delay);
        let patience = self.end_of_patience().filter(|_| self.is_behind_silence(positive));
        // Both are waited for: a name can have its records just when the patience ends.
        complete.max(patience)
    }

    /// What the walk has led to, once it is over. Takes the answers out.
    pub fn verdict(&mut self, now: Time) -> Option<Verdict<E>> {
        let Some(positive) = self.first_positive() else {
            let is_over = self.asked == self.steps.len() && self.steps.iter().all(Step::is_settled);
            return is_over.then(|| self.without_records());
        };
        if self.is_behind_silence(positive) && self.end_of_patience() > Some(now) {
            return None;
        }
        let delay = self.delay;
        let step = &mut self.steps[positive];
        let is_complete = step.is_settled() || step.positive_at.is_some_and(|at| at + delay <= now);
        if !is_complete {
            return None;
        }
        let open = match (&step.a, &step.aaaa) {
            (None, _) => Some(Family::V4),
            (_, None) => Some(Family::V6),
            _ => None,
        };
        let name = step.name.clone();
        match merge(step.a.take(), step.aaaa.take(), step.had) {
            Some(NameOutcome::Found(records)) => Some(Verdict::Found { name, records, open }),
            _ => None,
        }
    }

    fn wants_another(&self, now: Time) -> bool {
        if self.asked < self.together {
            return true;
        }
        let asked = &self.steps[..self.asked];
        let is_silent = asked.last().is_none_or(|last| last.asked_at + SILENCE <= now);
        self.first_positive().is_none() && (is_silent || asked.iter().all(Step::is_settled))
    }

    fn first_positive(&self) -> Option<usize> {
        self.steps[..self.asked].iter().position(|step| step.positive_at.is_some())
    }

    /// Whether a name before this one may still turn out to have records.
    fn is_behind_silence(&self, positive: usize) -> bool {
        !self.steps[..positive].iter().all(Step::is_settled)
    }

    /// Until when names are waited for, as one has records.
    fn end_of_patience(&self) -> Option<Time> {
        self.steps.iter().filter_map(|step| step.positive_at).min().map(|at| at + SILENCE)
    }

    fn without_records(&mut self) -> Verdict<E> {
        let (mut errors, mut contradicted) = (Vec::new(), Vec::new());
        for step in &mut self.steps {
            match merge(step.a.take(), step.aaaa.take(), step.had) {
                Some(NameOutcome::Failed(error)) => errors.push(error),
                Some(NameOutcome::Contradicted) => contradicted.push(step.name.clone()),
                _ => {}
            }
        }
        if errors.is_empty() && contradicted.is_empty() {
            return Verdict::Absent(self.steps.iter().map(|step| step.name.clone()).collect());
        }
        Verdict::Failed { errors, contradicted }
    }
}

impl<E> Step<E> {
    fn is_settled(&self) -> bool {
        self.a.is_some() && self.aaaa.is_some()
    }
}

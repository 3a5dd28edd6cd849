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
///
/// Some servers drop the questions for one type, for whatever name. So what one type's answer says of the name is gone
/// by when the other's has not come soon after: that it does not exist holds for all types (RFC 8020), and that it has no
/// such record is reason enough to ask for the next name beside it. Without records anywhere, the other answers are not
/// waited for any longer than [`SILENCE`]; then the walk has *failed*.
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
        /// The questions that are not answered, for names whose other question is.
        unanswered: Vec<(String, Family)>,
    },
}

#[derive(Debug)]
struct Step<E> {
    name: String,
    had: Had,
    asked_at: Time,
    positive_at: Option<Time>,
    /// When the last question was answered.
    answered_at: Option<Time>,
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
            answered_at: None,
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
        let Some(step) = self.step(name) else { return };
        if outcome.is_positive() {
            step.positive_at.get_or_insert(now);
        }
        step.answered_at = Some(now);
        step.set(family, outcome);
    }

    /// The name is not asked for with this family: as if it had no such record, but that is no answer.
    pub fn on_left_out(&mut self, name: &str, family: Family) {
        if let Some(step) = self.step(name) {
            step.set(family, FamilyOutcome::NoData);
        }
    }

    /// When to look at [`Self::next_names`] and [`Self::verdict`] again though no answer has come.
    pub fn next_wakeup(&self) -> Option<Time> {
        let Some(positive) = self.first_positive() else {
            return if self.asked < self.steps.len() { self.next_name_at() } else { self.failed_at() };
        };
        let step = &self.steps[positive];
        let complete = step.positive_at.filter(|_| !step.is_settled()).map(|at| at + self.delay);
        // Both are waited for: a name can have its records just when the patience ends.
        complete.max(self.out_of_silence_at(positive))
    }

    /// What the walk has led to, once it is over. Takes the answers out.
    pub fn verdict(&mut self, now: Time) -> Option<Verdict<E>> {
        let Some(positive) = self.first_positive() else {
            let is_settled = self.steps.iter().all(Step::is_settled);
            let is_over = is_settled || self.failed_at().is_some_and(|at| at <= now);
            return (self.asked == self.steps.len() && is_over).then(|| self.without_records());
        };
        if self.out_of_silence_at(positive).is_some_and(|at| now < at) {
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

    fn step(&mut self, name: &str) -> Option<&mut Step<E>> {
        self.steps[..self.asked].iter_mut().find(|step| step.name == name)
    }

    fn wants_another(&self, now: Time) -> bool {
        if self.asked < self.together {
            return true;
        }
        let is_due = self.next_name_at().is_none_or(|at| at <= now);
        self.first_positive().is_none() && (is_due || self.steps[..self.asked].iter().all(Step::is_settled))
    }

    /// When the next name is asked for though some questions are open.
    fn next_name_at(&self) -> Option<Time> {
        let asked = &self.steps[..self.asked];
        let silent = asked.last()?.asked_at + SILENCE;
        let open = asked.iter().filter(|step| !step.is_settled());
        let nothing = latest(open.map(|step| step.nothing_at(self.delay)));
        Some(nothing.map_or(silent, |at| at.min(silent)))
    }

    /// When the questions that are still open are not waited for any longer, without records: each name has an answer.
    fn failed_at(&self) -> Option<Time> {
        let answers = latest(self.steps.iter().map(|step| step.answered_at));
        answers.filter(|_| !self.steps.iter().all(Step::is_settled)).map(|at| at + SILENCE)
    }

    fn first_positive(&self) -> Option<usize> {
        self.steps[..self.asked].iter().position(|step| step.positive_at.is_some())
    }

    /// When the names before this one, which has records, are not waited for any longer; `None` when none is open.
    fn out_of_silence_at(&self, positive: usize) -> Option<Time> {
        let open = self.steps[..positive].iter().filter(|step| !step.is_settled());
        let patience = self.steps.iter().filter_map(|step| step.positive_at).min()? + SILENCE;
        open.map(|step| step.gone_at(self.delay).map_or(patience, |at| at.min(patience))).max()
    }

    fn without_records(&mut self) -> Verdict<E> {
        let (mut errors, mut contradicted, mut unanswered) = (Vec::new(), Vec::new(), Vec::new());
        for step in &mut self.steps {
            if let Some((family, answer)) = step.take_half() {
                unanswered.push((step.name.clone(), family));
                if let FamilyOutcome::Failed(error) = answer {
                    errors.push(error);
                }
                continue;
            }
            match merge(step.a.take(), step.aaaa.take(), step.had) {
                Some(NameOutcome::Failed(error)) => errors.push(error),
                Some(NameOutcome::Contradicted) => contradicted.push(step.name.clone()),
                _ => {}
            }
        }
        if errors.is_empty() && contradicted.is_empty() && unanswered.is_empty() {
            return Verdict::Absent(self.steps.iter().map(|step| step.name.clone()).collect());
        }
        Verdict::Failed { errors, contradicted, unanswered }
    }
}

/// The latest of these times; `None` if one of them is not known.
pub(super) fn latest(times: impl Iterator<Item = Option<Time>>) -> Option<Time> {
    times.reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten()
}

impl<E> Step<E> {
    fn set(&mut self, family: Family, outcome: FamilyOutcome<E>) {
        match family {
            Family::V4 => self.a = Some(outcome),
            Family::V6 => self.aaaa = Some(outcome),
        }
    }

    fn is_settled(&self) -> bool {
        self.a.is_some() && self.aaaa.is_some()
    }

    /// The one answer there is.
    fn half(&self) -> Option<&FamilyOutcome<E>> {
        match (&self.a, &self.aaaa) {
            (Some(answer), None) | (None, Some(answer)) => Some(answer),
            _ => None,
        }
    }

    /// Takes it out, with the family of the question that is open.
    fn take_half(&mut self) -> Option<(Family, FamilyOutcome<E>)> {
        match (self.a.is_some(), self.aaaa.is_some()) {
            (true, false) => Some((Family::V6, self.a.take()?)),
            (false, true) => Some((Family::V4, self.aaaa.take()?)),
            _ => None,
        }
    }

    /// When the one answer that there is, saying that the name does not exist, counts for both.
    fn gone_at(&self, delay: Duration) -> Option<Time> {
        let is_gone = matches!(self.half()?, FamilyOutcome::NxDomain);
        self.answered_at.filter(|_| is_gone).map(|at| at + delay)
    }

    /// Likewise, saying that or that there is no such record.
    fn nothing_at(&self, delay: Duration) -> Option<Time> {
        let is_nothing = matches!(self.half()?, FamilyOutcome::NxDomain | FamilyOutcome::NoData);
        self.answered_at.filter(|_| is_nothing).map(|at| at + delay)
    }
}

//! An act's outcome.

use evenkeel_load::{Timeline, share};

use crate::about::About;
use crate::claims::Claim;
use crate::figures::Figures;
use crate::marks::Mark;
use crate::seen::{Observed, PodCalls};

/// An act's outcome.
#[derive(Clone, Debug)]
pub struct Report {
    /// The act's name.
    pub id: &'static str,
    /// What it claims, in words.
    pub claim: String,
    /// What it is there for.
    pub about: About,
    /// Why the claim does not hold; nothing if it does.
    pub broken: Vec<String>,
    /// The numbers behind the verdict.
    pub figures: Figures,
    /// Every pod that the act has seen, in the order in which they came.
    pub pods: Vec<PodCalls>,
    /// Who answered when, and what happened meanwhile.
    pub(crate) timeline: Timeline,
    pub(crate) marks: Vec<Mark>,
}

impl Report {
    pub(crate) fn new(id: &'static str, text: String, claim: Claim, seen: Observed) -> Self {
        let (broken, figures) = (claim.broken_by(&seen), claim.figures(&seen));
        let (timeline, marks) = (Timeline::default(), Vec::new());
        let about = About::default();
        Self { id, claim: text, about, broken, figures, pods: seen.pods, timeline, marks }
    }

    /// Nothing that was seen contradicts the claim.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// The part of all served calls that `pod` served, 0–1.
    pub fn share(&self, pod: &PodCalls) -> f64 {
        share(pod.served, self.pods.iter().map(|pod| pod.served).sum())
    }
}

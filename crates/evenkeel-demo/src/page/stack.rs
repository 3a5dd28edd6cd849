//! From counts per bucket to stacked rates: numbers only, in seconds and calls a second.

use std::ops::Range;

use super::canvas::NEAR;
use super::model::Timeline;

/// What is left free above the highest stack, for the tags of failed calls.
const HEADROOM: f64 = 1.15;

/// A part of a band with one height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// Which slot of the chart it fills.
    pub(super) slot: usize,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Failed calls that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) calls: u64,
    /// How high the stack reaches there.
    pub(super) high: f64,
}

/// A chart's bands, one upon the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stack {
    /// Where the chart ends; never zero, since everything is divided by it.
    pub(super) length: f64,
    /// Up to where it reaches; never zero either.
    pub(super) top: f64,
    /// Each pod's band, from the bottom up, where it answered calls.
    pub(super) bands: Vec<Vec<Step>>,
    /// What failed, on top of all bands.
    pub(super) failed: Vec<Step>,
    pub(super) failures: Vec<Failure>,
}

/// A stretch of time whose rates are drawn as one.
#[derive(Clone, Debug)]
struct Slot {
    from: f64,
    to: f64,
    buckets: Range<usize>,
}

impl Stack {
    pub(super) fn new(timeline: &Timeline) -> Self {
        let slots = slots(timeline);
        let mut heights = vec![0.0; slots.len()];
        let bands = timeline.pods.iter().map(|pod| band(&slots, &pod.answered, &mut heights)).collect();
        let failed = band(&slots, &timeline.failed, &mut heights);
        let length = positive(timeline.length.as_secs_f64());
        let highest = heights.iter().copied().fold(0.0, f64::max);
        let failures = failures(&slots, &timeline.failed, &failed, length);
        Self { length, top: positive(highest * HEADROOM), bands, failed, failures }
    }
}

impl Failure {
    /// Where its tag belongs.
    pub(super) fn middle(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }
}

/// One slot per bucket, but for a last bucket that the end cuts short: that is drawn with the one before it, over the
/// time that both took. So no chart ends in a drop that nobody saw, nor in a jump because of one call in a few
/// milliseconds. Buckets that begin after the end have no room.
fn slots(timeline: &Timeline) -> Vec<Slot> {
    let (bucket, end) = (timeline.bucket.as_secs_f64(), timeline.length.as_secs_f64());
    if bucket <= 0.0 {
        return Vec::new();
    }
    let counted = timeline.pods.iter().map(|pod| pod.answered.len()).chain([timeline.failed.len()]).max();
    let at = |index: usize| bucket * index as f64;
    let mut slots: Vec<Slot> = (0..counted.unwrap_or(0))
        .map(|index| Slot { from: at(index), to: at(index + 1).min(end), buckets: index..index + 1 })
        .take_while(|slot| slot.from < slot.to)
        .collect();
    // Less than a thousandth is but the rounding of the numbers here.
    let is_cut = |last: &mut Slot| last.to - last.from < bucket * 0.999;
    if slots.len() > 1
        && let Some(cut) = slots.pop_if(is_cut)
        && let Some(last) = slots.last_mut()
    {
        last.to = cut.to;
        last.buckets.end = cut.buckets.end;
    }
    slots
}

/// Puts one band upon `heights`.
fn band(slots: &[Slot], counts: &[u32], heights: &mut [f64]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (slot, (Slot { from, to, buckets }, height)) in slots.iter().zip(heights).enumerate() {
        let rate = calls(counts, buckets) as f64 / (to - from);
        if rate > 0.0 && rate.is_finite() {
            steps.push(Step { slot, from: *from, to: *to, low: *height, high: *height + rate });
            *height += rate;
        }
    }
    steps
}

/// Failed calls of neighbouring slots, or nearly so, as one.
fn failures(slots: &[Slot], counts: &[u32], failed: &[Step], length: f64) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for step in failed {
        let calls = slots.get(step.slot).map_or(0, |slot| calls(counts, &slot.buckets));
        match failures.last_mut() {
            Some(last) if step.from - last.to <= length * NEAR => {
                last.to = step.to;
                last.calls += calls;
                last.high = last.high.max(step.high);
            }
            _ => failures.push(Failure { from: step.from, to: step.to, calls, high: step.high }),
        }
    }
    failures
}

fn calls(counts: &[u32], buckets: &Range<usize>) -> u64 {
    counts.iter().take(buckets.end).skip(buckets.start).copied().map(u64::from).sum()
}

/// Something to divide by, whatever was measured.
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { 1.0 }
}

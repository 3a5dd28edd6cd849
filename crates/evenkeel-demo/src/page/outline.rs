//! A band as a shape.

use std::fmt::Write;

use super::canvas::{x, y};
use super::stack::{Stack, Step};

/// A band's outline: one closed shape for each time without a gap.
pub(super) fn outline(steps: &[Step], stack: &Stack) -> String {
    let x = |time: f64| x(time / stack.length);
    let y = |rate: f64| y(rate / stack.top);
    let mut out = String::new();
    for run in steps.chunk_by(|before, after| after.slot == before.slot + 1) {
        let Some(first) = run.first() else { continue };
        let _ = write!(out, "M{} {}", x(first.from), y(first.high));
        for (index, step) in run.iter().enumerate() {
            if index > 0 {
                let _ = write!(out, "V{}", y(step.high));
            }
            let _ = write!(out, "H{}", x(step.to));
        }
        for step in run.iter().rev() {
            let _ = write!(out, "V{}H{}", y(step.low), x(step.from));
        }
        out.push('Z');
    }
    out
}

//! The surface that is drawn on: a chart's width and height, as parts of 0–1, in the drawing's own units.

use super::text::unit;

/// The drawing's own units: whole numbers are fine enough.
pub(super) const WIDTH: f64 = 10_000.0;
pub(super) const HEIGHT: f64 = 2_000.0;
/// What is no further apart than this part of the width is drawn as one: about as wide as a tag on a phone.
pub(super) const NEAR: f64 = 0.05;

/// Where a part of the chart's width lies in the drawing.
pub(super) fn x(part: f64) -> i32 {
    (unit(part) * WIDTH).round() as i32
}

/// Where a part of its height does, from the bottom up.
pub(super) fn y(part: f64) -> i32 {
    ((1.0 - unit(part)) * HEIGHT).round() as i32
}

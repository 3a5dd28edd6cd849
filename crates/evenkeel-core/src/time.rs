//! Time as the deciding code sees it: a number that somebody else measured.

use std::ops::Add;
use std::time::Duration;

/// A point in time, as its distance from an origin that the caller chose once.
///
/// Nothing in this crate reads a clock. Whoever drives a state machine picks an origin (a channel's or a
/// server's start), measures against it, and passes the result in as `now`; a test just counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The origin itself.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// The point `distance` after the origin.
    pub const fn after_origin(distance: Duration) -> Self {
        Self(distance)
    }

    /// The distance from the origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The distance from `earlier`, zero when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates: a knob set to "for ever" must not overflow.
    fn add(self, distance: Duration) -> Self {
        Self(self.0.saturating_add(distance))
    }
}

//! The play: what each act shows (`acts`) and is there for (`about`), what must have been seen for its claim to hold
//! (`claims`), and how it is played: pods, a client and steady calls (`stage`), who is on it (`cast`), and what happens to
//! them (`plots`).

mod about;
mod acts;
mod cast;
mod claims;
mod lookups;
mod marks;
mod plots;
mod readiness;
mod stage;

pub(crate) use about::{About, Role, outcome};
pub(crate) use acts::{Act, Lane, acts, pods_in_all};
pub(crate) use claims::{Fate, Figures, Report};
pub(crate) use marks::{Kind as MarkKind, Mark};
pub(crate) use stage::{PlayError, Stage};

#[cfg(test)]
pub(crate) use claims::{Claim, KillSeen, Observed, PodCalls};

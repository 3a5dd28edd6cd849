//! The article's five acts: what each shows (`acts`), what must have been seen for its claim to hold (`claims`), and
//! how it is played (`stage`).

mod acts;
mod claims;
mod intervals;
mod stage;

pub(crate) use acts::{Act, acts, pods_in_all};
pub(crate) use claims::{Figures, Report};
pub(crate) use stage::Stage;

#[cfg(test)]
pub(crate) use claims::{Claim, Observed, PodCalls};

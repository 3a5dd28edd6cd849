//! What a target resolves to: asked once or again and again (`lookup`), put into words (`verdict`), and what changed from
//! one answer to the next (`changes`).

mod changes;
mod lookup;
mod verdict;

pub(crate) use changes::{Change, Changes, Kind};
pub(crate) use lookup::{Found, Lookup, Outcome, Peek};
pub(crate) use verdict::{compare, verdict};

#[cfg(test)]
pub(crate) mod samples;

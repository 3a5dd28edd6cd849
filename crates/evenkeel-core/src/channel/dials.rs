//! How many attempts to connect run at once.
//!
//! A list of thousands of endpoints would otherwise open as many sockets in one moment: more than a process may have
//! descriptors, and than servers like to accept.

use std::collections::{HashSet, VecDeque};

use super::action::AttemptId;
use crate::balance::SubchannelId;

/// The attempts that run, and those that wait for their turn, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Dials {
    most: usize,
    running: HashSet<AttemptId>,
    waiting: VecDeque<(SubchannelId, AttemptId)>,
}

impl Dials {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), running: HashSet::new(), waiting: VecDeque::new() }
    }

    pub(super) fn push(&mut self, id: SubchannelId, attempt: AttemptId) {
        self.waiting.push_back((id, attempt));
    }

    /// The attempt whose turn it is, if there is room for one. It may have been given up meanwhile.
    pub(super) fn next(&mut self) -> Option<(SubchannelId, AttemptId)> {
        if self.running.len() < self.most { self.waiting.pop_front() } else { None }
    }

    pub(super) fn on_started(&mut self, attempt: AttemptId) {
        self.running.insert(attempt);
    }

    /// It has led to a connection, has failed or is not wanted any more; returns whether it had begun.
    pub(super) fn on_ended(&mut self, attempt: AttemptId) -> bool {
        self.running.remove(&attempt)
    }
}

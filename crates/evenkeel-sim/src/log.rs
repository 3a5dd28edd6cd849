//! What happened in a world, line by line, in virtual time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The log of one world. Clones write the same one.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    start: Instant,
    lines: Arc<Mutex<Vec<Line>>>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the world's beginning.
    pub at: Duration,
    /// What happened.
    pub text: String,
}

impl Log {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), lines: Arc::default() }
    }

    pub(crate) fn add(&self, text: impl Into<String>) {
        let line = Line { at: self.start.elapsed(), text: text.into() };
        self.lines().push(line);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.lines())
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:10.3} {}", self.at.as_secs_f64(), self.text)
    }
}

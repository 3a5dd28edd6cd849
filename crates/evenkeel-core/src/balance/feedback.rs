//! The way back from a call to the policy that picked for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::code::Code;

/// Hears what became of the attempts that were picked with a [`Track`]. Called by the calls themselves, from any
/// thread: it must not block.
pub trait Feedback: fmt::Debug + Send + Sync {
    /// One attempt is over. Told exactly once for each [`Track`].
    fn on_end(&self, token: u32, outcome: &Outcome);
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended; CANCELLED when its caller lost interest. `None`: the pick was never used, since the subchannel had
    /// lost its connection, or the call was over before it was sent.
    pub code: Option<Code>,
    /// Whether anything may have reached the server.
    pub sent: bool,
    /// From the pick to the end.
    pub latency: Duration,
}

/// A pick's way back. A pick that is never used is told when this is dropped.
#[derive(Debug)]
pub struct Track(Option<(Arc<dyn Feedback>, u32)>);

impl Outcome {
    /// A pick that was never used.
    pub const UNUSED: Self = Self { code: None, sent: false, latency: Duration::ZERO };

    /// An attempt that ended so.
    pub const fn new(code: Code, sent: bool, latency: Duration) -> Self {
        Self { code: Some(code), sent, latency }
    }
}

impl Track {
    /// `to` hears how the attempt ended, under the name `token`.
    pub fn new(to: Arc<dyn Feedback>, token: u32) -> Self {
        Self(Some((to, token)))
    }

    /// The attempt is over.
    pub fn end(mut self, outcome: &Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: &Outcome) {
        if let Some((to, token)) = self.0.take() {
            to.on_end(token, outcome);
        }
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        self.tell(&Outcome::UNUSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<(u32, Outcome)>>);

    impl Feedback for Heard {
        fn on_end(&self, token: u32, outcome: &Outcome) {
            self.0.lock().unwrap().push((token, *outcome));
        }
    }

    #[test]
    fn every_pick_is_told_of_once() {
        let heard = Arc::new(Heard::default());
        let track = |token| Track::new(Arc::clone(&heard) as Arc<dyn Feedback>, token);
        let outcome = Outcome::new(Code::Ok, true, Duration::from_secs(1));
        track(1).end(&outcome);
        drop(track(2));
        assert_eq!(*heard.0.lock().unwrap(), [(1, outcome), (2, Outcome::UNUSED)]);
    }
}

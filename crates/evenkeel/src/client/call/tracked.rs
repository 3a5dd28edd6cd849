//! What a call tells the policy that picked for it.

use std::sync::Arc;

use evenkeel_core::balance::{Outcome, Track};
use evenkeel_core::call::RetryThrottling;
use evenkeel_core::code::Code;
use http::HeaderMap;
use tokio::time::Instant;
use tonic::Status;

use crate::http2::client::{code_in, code_of};
use crate::observe::Traced;

/// One attempt whose policy wants to hear how it went. Dropped before its end, it was cancelled, or never used.
#[derive(Debug)]
pub(super) struct Tracked {
    track: Option<Track>,
    since: Instant,
    sent: bool,
}

impl Tracked {
    pub(super) fn new(track: Track) -> Self {
        Self { track: Some(track), since: Instant::now(), sent: false }
    }

    /// From now on the server may know of it.
    pub(super) fn on_sent(&mut self) {
        self.sent = true;
    }

    /// The server has said how it went.
    pub(super) fn end_by(self, trailers: &HeaderMap) {
        self.end(code_of(trailers));
    }

    /// It has failed.
    pub(super) fn fail(self, status: &Status) {
        self.end(code_in(status));
    }

    fn end(mut self, code: Code) {
        self.tell(code);
    }

    /// A pick that was never sent is told when its track is dropped.
    fn tell(&mut self, code: Code) {
        if let Some(track) = self.track.take().filter(|_| self.sent) {
            track.end(&Outcome::new(code, self.sent, self.since.elapsed()));
        }
    }
}

/// All who want to know how a response ends.
#[derive(Debug, Default)]
pub(super) struct Followers {
    /// The policy.
    pub(super) tracked: Option<Tracked>,
    /// Observers.
    pub(super) traced: Option<Arc<Traced>>,
    /// What decides whether others are retried.
    pub(super) throttling: Option<RetryThrottling>,
}

impl Followers {
    /// The server has said how it went; nobody is left to be told.
    pub(super) fn end_by(self, trailers: &HeaderMap) -> Self {
        if let Some(tracked) = self.tracked {
            tracked.end_by(trailers);
        }
        if let Some(traced) = self.traced {
            traced.end_by(trailers);
        }
        if let Some(throttling) = self.throttling
            && code_of(trailers) == Code::Ok
        {
            throttling.on_success();
        }
        Self::default()
    }

    /// The response has failed.
    pub(super) fn fail(self, status: &Status) {
        if let Some(tracked) = self.tracked {
            tracked.fail(status);
        }
        if let Some(traced) = self.traced {
            traced.fail(status);
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if self.sent {
            self.tell(Code::Cancelled);
        }
    }
}

//! Calls, followed by who wants to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_core::code::Code;
use evenkeel_core::endpoint::Address;
use http::HeaderMap;
use tokio::time::Instant;
use tonic::Status;

use super::{Observers, survive};
use crate::http2::client::{code_in, code_of};

/// A call that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The full method path, `/package.Service/Method`.
    pub path: &'a str,
}

/// An attempt of a call that was sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptStart<'a> {
    /// How many attempts of the call went before.
    pub attempt: u32,
    /// The server.
    pub address: &'a Address,
}

/// The end of a call, or of one of its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallEnd {
    /// How it ended; CANCELLED when its caller lost interest.
    pub code: Code,
    /// Since it began.
    pub latency: Duration,
}

/// Follows one call. Called by the call itself, on its caller's task: it must not block. A panic is logged, and goes no
/// further.
///
/// Every attempt that was told of ends, and then the call does, once.
pub trait CallTracer: fmt::Debug + Send + Sync {
    /// An attempt was sent.
    fn on_attempt(&self, attempt: &AttemptStart<'_>) {
        let _ = attempt;
    }

    /// The attempt that was told of last has ended.
    fn on_attempt_end(&self, end: &CallEnd) {
        let _ = end;
    }

    /// The call has ended.
    fn on_end(&self, end: &CallEnd);
}

/// One call, for all who follow it.
#[derive(Debug)]
pub(crate) struct Traced {
    tracers: Vec<Box<dyn CallTracer>>,
    began: Instant,
    /// In nanoseconds since then.
    attempt_began: AtomicU64,
    in_attempt: AtomicBool,
    has_ended: AtomicBool,
}

impl Traced {
    /// `None` when nobody follows it.
    pub(crate) fn begin(observers: &Observers, path: &str) -> Option<Arc<Self>> {
        let tracers = observers.trace(&CallStart { path });
        let traced = |tracers| {
            let (in_attempt, has_ended) = (AtomicBool::new(false), AtomicBool::new(false));
            let (began, attempt_began) = (Instant::now(), AtomicU64::new(0));
            Arc::new(Self { tracers, began, attempt_began, in_attempt, has_ended })
        };
        (!tracers.is_empty()).then(|| traced(tracers))
    }

    pub(crate) fn on_attempt(&self, attempt: u32, address: &Address) {
        self.attempt_began.store(self.nanos(), Ordering::Relaxed);
        self.in_attempt.store(true, Ordering::Relaxed);
        let start = AttemptStart { attempt, address };
        self.tell(&start, |tracer| tracer.on_attempt(&start));
    }

    pub(crate) fn on_attempt_failed(&self, status: &Status) {
        self.end_attempt(code_in(status));
    }

    /// The server has said how the call went.
    pub(crate) fn end_by(&self, trailers: &HeaderMap) {
        self.end_with(code_of(trailers));
    }

    /// The call has failed.
    pub(crate) fn fail(&self, status: &Status) {
        self.end_with(code_in(status));
    }

    fn end_with(&self, code: Code) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        self.end_attempt(code);
        let end = CallEnd { code, latency: self.began.elapsed() };
        self.tell(&end, |tracer| tracer.on_end(&end));
    }

    fn end_attempt(&self, code: Code) {
        if self.in_attempt.swap(false, Ordering::Relaxed) {
            let nanos = self.nanos().saturating_sub(self.attempt_began.load(Ordering::Relaxed));
            let end = CallEnd { code, latency: Duration::from_nanos(nanos) };
            self.tell(&end, |tracer| tracer.on_attempt_end(&end));
        }
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn tell(&self, what: &impl fmt::Debug, tell: impl Fn(&dyn CallTracer)) {
        for tracer in &self.tracers {
            survive(what, "a call's tracer panicked; the call goes on", || tell(&**tracer));
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.end_with(Code::Cancelled);
    }
}

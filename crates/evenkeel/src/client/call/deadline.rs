//! A call's deadline, over all of its attempts and its whole response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::call::parse_timeout;
use http::{HeaderMap, HeaderValue};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";
const GRPC_STATUS: &str = "grpc-status";
const CANCELLED: &[u8] = b"1";
const DEADLINE_EXCEEDED: HeaderValue = HeaderValue::from_static("4");

/// The moment a call must be over, and the timer that says so.
#[derive(Debug)]
pub(super) struct Deadline(Pin<Box<Sleep>>);

impl Deadline {
    /// Reads the deadline that the generated client was given, if any. A timer exists only then: it is dear.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Status> {
        let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
        let timeout = parse_timeout(value.as_bytes())
            .map_err(|error| Status::internal(format!("the request's grpc-timeout {value:?}: {error}")))?;
        // A deadline past the end of time is none.
        Ok(Instant::now().checked_add(timeout).map(|at| Self(Box::pin(sleep_until(at)))))
    }

    /// Whether it has passed, by the clock: the timer may notice later.
    pub(super) fn is_over(&self) -> bool {
        is_over(Some(self.at()))
    }

    pub(super) fn at(&self) -> Instant {
        self.0.deadline()
    }

    pub(super) async fn passed(&mut self) {
        self.0.as_mut().await;
    }

    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

/// Whether a deadline, if there is one, has passed.
pub(super) fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|at| at <= Instant::now())
}

/// What a call ends with that was not even sent in time.
pub(super) fn too_late() -> Status {
    Status::deadline_exceeded("deadline exceeded before the call was sent")
}

/// A server that noticed the deadline first may have cancelled the call: to its caller, the deadline has passed.
pub(super) fn overrule_cancelled(headers: &mut HeaderMap, deadline: Option<&Deadline>) {
    if headers.get(GRPC_STATUS).is_some_and(|code| code.as_bytes() == CANCELLED)
        && deadline.is_some_and(Deadline::is_over)
    {
        headers.insert(GRPC_STATUS, DEADLINE_EXCEEDED);
    }
}

//! A call's deadline, over all of its attempts and its whole response, and the channel's timeout, up to the head.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::call::parse_timeout;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

pub(super) static GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const CANCELLED: &[u8] = b"1";
const DEADLINE_EXCEEDED: HeaderValue = HeaderValue::from_static("4");

/// The moment a call must be over, or its response have begun, and the timer that says so.
#[derive(Debug)]
pub(super) struct Deadline {
    timer: Pin<Box<Sleep>>,
    /// The caller's deadline, for the whole call.
    call: Option<Instant>,
}

impl Deadline {
    /// Reads the deadline that the generated client was given, if any; until the response's head, `timeout` holds
    /// besides it. A timer exists only if there is one of them: it is dear.
    pub(super) fn of(headers: &HeaderMap, timeout: Option<Duration>) -> Result<Option<Self>, Status> {
        let given = headers.get(&GRPC_TIMEOUT).map(|value| {
            parse_timeout(value.as_bytes())
                .map_err(|error| Status::internal(format!("the request's grpc-timeout {value:?}: {error}")))
        });
        let given = given.transpose()?;
        if given.is_none() && timeout.is_none() {
            return Ok(None);
        }
        let now = Instant::now();
        // A deadline past the end of time is none.
        let call = given.and_then(|given| now.checked_add(given));
        let head = timeout.and_then(|timeout| now.checked_add(timeout));
        let first = [call, head].into_iter().flatten().min();
        Ok(first.map(|at| Self { timer: Box::pin(sleep_until(at)), call }))
    }

    /// Whether it has passed, by the clock: the timer may notice later.
    pub(super) fn is_over(&self) -> bool {
        self.ends() <= Instant::now()
    }

    /// When it passes: the caller's deadline, or before the response's head the channel's timeout if that is sooner.
    fn ends(&self) -> Instant {
        self.timer.deadline()
    }

    /// The caller's deadline, which the server is told.
    pub(super) fn at(&self) -> Option<Instant> {
        self.call
    }

    /// What holds once the response's head is there.
    pub(super) fn past_head(mut self) -> Option<Self> {
        let call = self.call?;
        if self.timer.deadline() != call {
            self.timer.as_mut().reset(call);
        }
        Some(self)
    }

    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.as_mut().poll(cx)
    }
}

/// What a call ends with whose time is over before it is sent, or sent again.
pub(super) fn too_late() -> Status {
    Status::deadline_exceeded("deadline exceeded before the call was sent")
}

/// A server that noticed the deadline first may have cancelled the call: to its caller, the deadline has passed.
pub(super) fn overrule_cancelled(headers: &mut HeaderMap, deadline: Option<&Deadline>) {
    let Some(deadline) = deadline else { return };
    if headers.get(&GRPC_STATUS).is_some_and(|code| code.as_bytes() == CANCELLED) && deadline.is_over() {
        headers.insert(&GRPC_STATUS, DEADLINE_EXCEEDED);
    }
}

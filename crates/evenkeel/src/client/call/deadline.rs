//! A call's deadline, over all of its attempts and its whole response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::call::parse_timeout;
use http::HeaderMap;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

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

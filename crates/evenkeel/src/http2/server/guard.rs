//! A handler's panic stays the handler's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// The code of the call panicked; it must not be polled again.
#[derive(Debug)]
pub(super) struct Panicked;

/// Polls code of the user's. After a panic its state is never looked at again, only dropped: hence unwind-safe.
pub(super) fn poll_guarded<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, Panicked>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(_) => Poll::Ready(Err(Panicked)),
    }
}

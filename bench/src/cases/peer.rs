//! The other side's work, under one name that callgrind can tell apart.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The function in which all of a peer's work is done.
pub(crate) const PEER_TURN: &str = "peer_turn";

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future of the peer's.
pub(super) struct Peer<T>(Work<T>);

impl<T> Peer<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Box::pin(work))
    }
}

impl<T> Future for Peer<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        peer_turn(&mut self.0, cx)
    }
}

/// Callgrind counts what happens in here for itself: it must stay a function.
#[inline(never)]
fn peer_turn<T>(work: &mut Work<T>, cx: &mut Context<'_>) -> Poll<T> {
    work.as_mut().poll(cx)
}

//! The rest of a request, sent by a task of its own while the response is read.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tonic::Status;

use super::buffer::RequestBuffer;
use super::connection::Connection;
use super::place::Place;
use super::pump::{Pump, PumpEnd};

/// A task that sends the rest of a request; aborted when dropped.
#[derive(Debug)]
pub(super) struct Upload {
    task: AbortHandle,
    held: Arc<Held>,
}

/// What a call and its upload both hold.
#[derive(Debug)]
struct Held {
    failure: OnceLock<Status>,
    /// The stream is there until the last of the two has let go of it.
    place: Place,
}

/// The tasks that send requests on one connection: they hold the program's own streams.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    running: AtomicUsize,
    last_ended: Notify,
}

struct Sending {
    pump: Pump,
    body: RequestBuffer,
    uploads: Arc<Uploads>,
    /// Let go of after the pump, which holds the stream.
    held: Arc<Held>,
}

impl Upload {
    /// Sends what `pump` and `body` have left.
    pub(super) fn start(pump: Pump, body: &mut RequestBuffer, place: Place) -> Self {
        let uploads = Arc::clone(place.connection().link().uploads());
        let held = Arc::new(Held { failure: OnceLock::new(), place });
        uploads.running.fetch_add(1, Ordering::AcqRel);
        let mut sending = Sending { pump, body: std::mem::take(body), uploads, held: Arc::clone(&held) };
        let task = tokio::spawn(async move { sending.run().await });
        Self { task: task.abort_handle(), held }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        self.held.place.connection()
    }

    /// Nobody wants the rest.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    /// What the caller's own body failed with.
    pub(super) fn failure(&self) -> Option<Status> {
        self.held.failure.get().cloned()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Sending {
    async fn run(&mut self) {
        let Self { pump, body, held, .. } = self;
        let end = poll_fn(|cx| match pump.poll(body, cx) {
            // A caller's stream that is silent would never notice that nobody wants it any more.
            Poll::Pending if pump.poll_reset(cx).is_ready() => Poll::Ready(PumpEnd::StreamGone),
            other => other,
        });
        if let PumpEnd::Source(status) = end.await {
            let _ = held.failure.set(status);
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whoever reads the response would wait for ever: the server waits for the rest of the request.
            let _ = self.held.failure.set(Status::internal("the request's own stream panicked"));
            self.pump.cancel();
        }
        // The program's stream is gone when the last one is counted.
        self.body = RequestBuffer::default();
        if self.uploads.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.uploads.last_ended.notify_waiters();
        }
    }
}

impl Uploads {
    /// Waits until none runs.
    pub(crate) async fn ended(&self) {
        loop {
            let mut ended = pin!(self.last_ended.notified());
            ended.as_mut().enable();
            if self.running.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

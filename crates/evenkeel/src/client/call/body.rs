//! A response's body.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::deadline::{Deadline, overrule_cancelled};
use super::tracked::Followers;
use crate::client::peer::Peer;
use crate::client::shared::RunningCall;
use crate::http2::client::ResponseStream;

/// The body of a response: messages as they arrive, then the trailers.
///
/// Reading it gives the server room to send more; not reading it makes the server wait. The call's deadline holds
/// until its end. Dropping it before its end resets the stream, which the server sees as a cancelled call.
#[derive(Debug, Default)]
pub struct ResponseBody {
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    stream: ResponseStream,
    deadline: Option<Deadline>,
    running: RunningCall,
    follow: Followers,
    /// Frames delivered since the deadline was looked at.
    unlooked: u32,
}

/// So many frames in a row may come past the deadline.
const LOOK_EVERY: u32 = 64;

impl ResponseBody {
    pub(super) fn new(
        stream: Option<ResponseStream>,
        deadline: Option<Deadline>,
        running: Option<RunningCall>,
        follow: Followers,
    ) -> Self {
        let live = |(stream, running)| Live { stream, deadline, running, follow, unlooked: 0 };
        Self { live: stream.zip(running).map(live) }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(live) = &mut self.live else { return Poll::Ready(None) };
        let mut polled = live.stream.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(trailers) = frame.trailers_mut()
        {
            overrule_cancelled(trailers, live.deadline.as_ref());
            live.follow = std::mem::take(&mut live.follow).end_by(trailers);
        }
        live.unlooked = if polled.is_pending() { 0 } else { live.unlooked.wrapping_add(1) };
        // What has come is delivered, even if its reader was late. But a server that sends without pause must not
        // outrun the deadline.
        let look = polled.is_pending() || live.unlooked % LOOK_EVERY == 0;
        if look
            && let Some(deadline) = &mut live.deadline
            && deadline.poll_passed(cx).is_ready()
        {
            polled = Poll::Ready(Some(Err(exceeded(live))));
        }
        match polled {
            Poll::Ready(Some(Err(status))) => {
                let status = match &live.deadline {
                    Some(deadline) if deadline.is_over() => exceeded(live),
                    _ => status,
                };
                let status = live.running.shared().cut_or(Peer::blame(live.stream.address(), status));
                std::mem::take(&mut live.follow).fail(&status);
                self.live = None;
                Poll::Ready(Some(Err(status)))
            }
            Poll::Ready(_) if live.stream.is_end_stream() => {
                // The place on the connection is free again, whenever the reader drops this.
                self.live = None;
                polled
            }
            _ => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.live.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.live.is_none() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

fn exceeded(live: &Live) -> Status {
    let address = live.stream.address();
    Status::deadline_exceeded(format!("deadline exceeded while reading the response from {address}"))
}

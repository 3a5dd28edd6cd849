//! An answer's messages on their way into its stream.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use super::answer::{Stop, panicked, poll_deadline};
use super::counted::Counted;
use super::fit;
use super::guard::poll_guarded;
use super::traffic::{Leave, Traffic};
use crate::http2::wire::WireFacts;

/// Moves a response body into the stream, no faster than the client's windows allow.
pub(super) struct Pump {
    send: SendStream<Counted>,
    body: Body,
    /// What the windows had no room for yet.
    data: Counted,
    data_is_last: bool,
    traffic: Arc<Traffic>,
    facts: Arc<WireFacts>,
    /// While it waits for leave to make the next message.
    entering: Option<Pin<Box<dyn Future<Output = Leave> + Send>>>,
    /// What was taken while the frame before it waits for the windows.
    ahead: Option<Ahead>,
    /// A message was the first of its call. What follows it is most likely the call's end, which needs no leave and must
    /// not wait: tonic keeps a message's memory until then.
    was_first: bool,
}

/// A frame of the body, and what it counts for while it waits.
struct Ahead {
    frame: BodyFrame,
    _waits: Option<Counted>,
}

/// `None`: the body has ended.
pub(super) type BodyFrame = Option<Result<Frame<Bytes>, Status>>;

impl Pump {
    pub(super) fn new(
        send: SendStream<Counted>,
        body: Body,
        traffic: Arc<Traffic>,
        facts: Arc<WireFacts>,
    ) -> Self {
        let data = Counted::new(Bytes::new(), Leave::default(), &traffic);
        Self {
            send,
            body,
            data,
            data_is_last: false,
            traffic,
            facts,
            entering: None,
            ahead: None,
            was_first: false,
        }
    }

    /// Ready with how the call ended, when it has.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Pin<&mut Option<Sleep>>,
    ) -> Poll<Result<(), Stop>> {
        if let Poll::Ready(ended) = self.poll_body(cx) {
            return Poll::Ready(ended);
        }
        if self.send.poll_reset(cx).is_ready() {
            return Poll::Ready(Err(Stop::ClientGone));
        }
        let Stop::Failed(status) = ready!(poll_deadline(deadline, cx)) else { return Poll::Pending };
        Poll::Ready(self.fail(&status))
    }

    /// The body's first frame; says how the call ended if it was its last.
    pub(super) fn start(&mut self, frame: BodyFrame, leave: Leave) -> Option<Result<(), Stop>> {
        let ended = self.on_frame(frame, leave);
        self.was_first = true;
        ended
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        loop {
            if self.poll_send_data(cx)?.is_pending() {
                self.look_ahead(cx)?;
                return Poll::Pending;
            }
            if self.data_is_last {
                return Poll::Ready(Ok(()));
            }
            let (frame, leave) = match self.ahead.take() {
                Some(ahead) => (ahead.frame, Leave::default()),
                None => ready!(self.poll_frame(cx))?,
            };
            if let Some(ended) = self.on_frame(frame, leave) {
                return Poll::Ready(ended);
            }
        }
    }

    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), Stop> {
        if self.was_first
            && !self.data_is_last
            && let Poll::Ready((frame, _)) = self.poll_frame(cx)?
        {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
            let _waits = data.map(|data| Counted::new(data.clone(), Leave::default(), &self.traffic));
            self.ahead = Some(Ahead { frame, _waits });
        }
        Ok(())
    }

    /// The body's next frame.
    ///
    /// # Errors
    /// When the body panics: the stream is reset.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<(BodyFrame, Leave), Stop>> {
        let leave = match std::mem::take(&mut self.was_first) {
            true => Leave::default(),
            false => ready!(self.poll_leave(cx)),
        };
        let body = &mut self.body;
        Poll::Ready(match ready!(poll_guarded(|| Pin::new(body).poll_frame(cx))) {
            Ok(frame) => Ok((frame, leave)),
            Err(_) => {
                self.send.send_reset(Reason::INTERNAL_ERROR);
                Err(panicked())
            }
        })
    }

    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<Leave> {
        if self.entering.is_none()
            && let Some(leave) = self.traffic.try_enter()
        {
            return Poll::Ready(leave);
        }
        let traffic = &self.traffic;
        let entering = self.entering.get_or_insert_with(|| Box::pin(Arc::clone(traffic).enter()));
        let leave = ready!(entering.as_mut().poll(cx));
        self.entering = None;
        Poll::Ready(leave)
    }

    /// Takes the body's next frame; says how the call ended if that was its last.
    fn on_frame(&mut self, frame: BodyFrame, leave: Leave) -> Option<Result<(), Stop>> {
        let frame = match frame {
            None => return Some(self.send_last(Bytes::new())),
            Some(Err(status)) => return Some(self.fail(&status)),
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) => {
                self.data_is_last = self.body.is_end_stream();
                if self.data_is_last && data.is_empty() {
                    return Some(self.send_last(data));
                }
                // An empty chunk is nothing to anybody; as a frame it would count against our client's patience.
                self.data = Counted::new(data, leave, &self.traffic);
                None
            }
            Err(frame) => frame.into_trailers().ok().map(|trailers| self.send_trailers(trailers)),
        }
    }

    /// Ready when all of `data` is handed to h2, which would otherwise hold without bound what the windows refuse.
    fn poll_send_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        while !self.data.is_empty() {
            self.send.reserve_capacity(self.data.len());
            let mut capacity = self.send.capacity();
            if capacity == 0 {
                capacity = match ready!(self.send.poll_capacity(cx)) {
                    Some(Ok(capacity)) => capacity,
                    _ => return Poll::Ready(Err(Stop::ClientGone)),
                };
            }
            let part = self.data.split_to(capacity);
            if !part.is_empty() {
                let is_last = self.data_is_last && self.data.is_empty();
                self.send.send_data(part, is_last).map_err(|_| Stop::ClientGone)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn send_last(&mut self, data: Bytes) -> Result<(), Stop> {
        self.send
            .send_data(Counted::new(data, Leave::default(), &self.traffic), true)
            .map_err(|_| Stop::ClientGone)
    }

    fn send_trailers(&mut self, mut trailers: HeaderMap) -> Result<(), Stop> {
        fit::trailers(&mut trailers, self.facts.peer_max_header_list());
        self.send.send_trailers(trailers).map_err(|_| Stop::ClientGone)
    }

    /// Ends the call with a status; in the middle of a message that would look like a broken message, so there
    /// it is a reset.
    fn fail(&mut self, status: &Status) -> Result<(), Stop> {
        let mut trailers = HeaderMap::with_capacity(3);
        if !self.data.is_empty() || status.add_header(&mut trailers).is_err() {
            return self.reset(Reason::CANCEL);
        }
        self.send_trailers(trailers)
    }

    fn reset(&mut self, reason: Reason) -> Result<(), Stop> {
        self.send.send_reset(reason);
        Ok(())
    }
}

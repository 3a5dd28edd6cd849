//! One RPC: pick, send, and try again where that is safe.

mod attempts;
mod body;
mod deadline;
mod head;
mod options;
mod tracked;

pub use body::ResponseBody;
pub use options::CallOptions;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Extensions;
use tonic::Status;

use super::inner::Inner;
use super::peer::Peer;
use super::resolve::BoxFuture;
use crate::http2::client::{Answer, Opened};
use crate::observe::Traced;
use attempts::{Answered, Asked, Call};
use deadline::{Deadline, overrule_cancelled, too_late};
use tracked::Followers;

/// A call's future: resolves when the response's head is there. Dropping it resets the call's stream.
#[must_use = "a call is made by awaiting it"]
pub struct ResponseFuture {
    state: State,
    channel: Arc<Inner>,
    /// Who follows it, if somebody does.
    traced: Option<Arc<Traced>>,
    /// The request's, emptied: the response's need as much room, and to allocate it anew would cost twice.
    extensions: Extensions,
}

/// Nearly every call finds a READY endpoint and succeeds there: that way, New to Sending to Done, allocates nothing.
/// Everything else is the slow way's.
#[allow(clippy::large_enum_variant, reason = "boxing the ordinary way is the allocation it is there to save")]
enum State {
    New(Option<http::Request<tonic::body::Body>>),
    Sending { call: Call, opened: Opened, deadline: Option<Deadline> },
    Slow(BoxFuture<'static, Result<Answered, Status>>),
    Done,
}

impl ResponseFuture {
    pub(super) fn new(channel: Arc<Inner>, request: http::Request<tonic::body::Body>) -> Self {
        let traced = Traced::begin(&channel.config.observers, request.uri().path());
        Self { state: State::New(Some(request)), channel, traced, extensions: Extensions::new() }
    }

    /// Makes the first attempt, if that needs no waiting.
    fn start(&mut self, request: http::Request<tonic::body::Body>) -> Result<(), Status> {
        let (mut parts, body) = request.into_parts();
        let options = parts.extensions.get::<CallOptions>().cloned().unwrap_or_default();
        self.extensions = std::mem::take(&mut parts.extensions);
        self.extensions.clear();
        let deadline = Deadline::of(&parts.headers, self.channel.config.timeout)?;
        if deadline.as_ref().is_some_and(Deadline::is_over) {
            return Err(too_late());
        }
        let mut call = Call::new(Arc::clone(&self.channel), parts, body, options)?;
        call.traced = self.traced.clone();
        let place = match call.try_place() {
            Ok(place) => place,
            Err(asked) => {
                self.go_on_slowly(call, Some(asked), deadline);
                return Ok(());
            }
        };
        let head = call.head(deadline.as_ref().and_then(Deadline::at))?;
        match Opened::new(place, head) {
            Ok(opened) => {
                call.on_sent();
                self.state = State::Sending { call, opened, deadline };
            }
            Err(failed) => {
                call.on_failure(failed, deadline.as_ref().map(Deadline::ends))?;
                self.go_on_slowly(call, None, deadline);
            }
        }
        Ok(())
    }

    /// After an attempt that failed.
    fn go_on(&mut self) {
        if let State::Sending { call, deadline, .. } = std::mem::replace(&mut self.state, State::Done) {
            self.go_on_slowly(call, None, deadline);
        }
    }

    fn go_on_slowly(&mut self, call: Call, asked: Option<Asked>, deadline: Option<Deadline>) {
        self.state = State::Slow(call.finish_slowly(asked, deadline));
    }

    /// Polls in place: the state is large, and moving it would cost more than the rest.
    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, Status>> {
        loop {
            let answered = match &mut self.state {
                State::New(request) => {
                    let Some(request) = request.take() else { return Poll::Pending };
                    self.start(request)?;
                    continue;
                }
                State::Done => return Poll::Pending,
                State::Slow(slow) => return slow.as_mut().poll(cx),
                State::Sending { call, opened, deadline } => match call.poll_answer(opened, cx) {
                    Poll::Ready(answered) => answered,
                    Poll::Pending => {
                        let over =
                            deadline.as_mut().is_some_and(|deadline| deadline.poll_passed(cx).is_ready());
                        return if over { Poll::Ready(Err(call.deadline_exceeded())) } else { Poll::Pending };
                    }
                },
            };
            let State::Sending { call, deadline, .. } = &mut self.state else { return Poll::Pending };
            match answered {
                Ok(answer) => return Poll::Ready(Ok(call.answered(answer, deadline.take()))),
                Err(failed) => {
                    call.on_failure(failed, deadline.as_ref().map(Deadline::ends))?;
                    self.go_on();
                }
            }
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<http::Response<ResponseBody>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(self.poll_answered(cx));
        self.state = State::Done;
        let traced = self.traced.take();
        let answered = answered.map_err(|status| {
            let status = self.channel.shared.cut_or(status);
            if let Some(traced) = &traced {
                traced.fail(&status);
            }
            status
        });
        let Answered { answer, deadline, running, tracked } = answered?;
        let Answer { mut head, body, connection } = answer;
        if body.is_none() {
            overrule_cancelled(&mut head.headers, deadline.as_ref());
        }
        let follow = Followers { tracked, traced };
        let follow = if body.is_none() { follow.end_by(&head.headers) } else { follow };
        let deadline = deadline.and_then(Deadline::past_head);
        let mut extensions = std::mem::take(&mut self.extensions);
        extensions.extend(std::mem::take(&mut head.extensions));
        extensions.insert(Peer { address: Arc::clone(connection.address()) });
        head.extensions = extensions;
        Poll::Ready(Ok(http::Response::from_parts(head, ResponseBody::new(body, deadline, running, follow))))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

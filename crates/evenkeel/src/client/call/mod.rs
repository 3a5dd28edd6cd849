//! One RPC: pick, send, and try again where that is safe.

mod attempts;
mod body;
mod deadline;
mod head;
mod options;
mod tracked;
mod waiting;

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
use crate::http2::client::Answer;
use crate::observe::Traced;
use attempts::{Answered, Call};
use deadline::{Deadline, overrule_cancelled};
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

#[allow(clippy::large_enum_variant, reason = "a call is polled in place: it allocates nothing of its own")]
enum State {
    New(Option<http::Request<tonic::body::Body>>),
    Running(Call),
    Done,
}

impl ResponseFuture {
    pub(super) fn new(channel: Arc<Inner>, request: http::Request<tonic::body::Body>) -> Self {
        let traced = Traced::begin(&channel.config.observers, request.uri().path());
        Self { state: State::New(Some(request)), channel, traced, extensions: Extensions::new() }
    }

    fn start(&mut self, request: http::Request<tonic::body::Body>) -> Result<(), Status> {
        let (mut parts, body) = request.into_parts();
        let options = parts.extensions.get::<CallOptions>().cloned().unwrap_or_default();
        self.extensions = std::mem::take(&mut parts.extensions);
        self.extensions.clear();
        let channel = Arc::clone(&self.channel);
        self.state = State::Running(Call::new(channel, parts, body, options, self.traced.clone())?);
        Ok(())
    }

    /// Polls in place: the state is large, and moving it would cost more than the rest.
    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, Status>> {
        if let State::New(request) = &mut self.state
            && let Some(request) = request.take()
        {
            self.start(request)?;
        }
        match &mut self.state {
            State::Running(call) => call.poll(cx),
            State::New(_) | State::Done => Poll::Pending,
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
        let retry = self.channel.config.retry.as_ref();
        let throttling = retry.and_then(|retry| retry.throttling.clone());
        let follow = Followers { tracked, traced, throttling };
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

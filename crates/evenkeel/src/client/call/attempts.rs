//! A call's attempts: picking, waiting, sending, and what a failure leads to.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use evenkeel_core::balance::{CallInfo, Pick, PickFailure, SubchannelId};
use evenkeel_core::call::{Attempts, Ended, Next, Pushback};
use evenkeel_core::code::Code;
use evenkeel_core::endpoint::Address;
use evenkeel_core::state::ConnectivityState;
use http::{HeaderName, HeaderValue};
use tonic::Status;

use super::deadline::{Deadline, too_late};
use super::head::Head;
use super::options::CallOptions;
use super::tracked::Tracked;
use super::waiting::{Over, Waiting};
use crate::client::inner::Inner;
use crate::client::peer::Peer;
use crate::client::shared::{RunningCall, Snapshot};
use crate::http2::client::{
    Answer, ClientStream, Place, RequestBuffer, ResponseHead, StreamFailure, code_of, status,
};
use crate::observe::Traced;

static PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// A call under way, until its response begins.
pub(super) struct Call {
    channel: Arc<Inner>,
    head: Head,
    body: RequestBuffer,
    attempts: Attempts,
    wait_for_ready: bool,
    deadline: Option<Deadline>,
    step: Step,
    /// Until the response has it.
    running: Option<RunningCall>,
    /// The attempt under way, if its policy wants to hear of it.
    tracked: Option<Tracked>,
    /// Who follows the call, if somebody does.
    traced: Option<Arc<Traced>>,
    /// Attempts that have failed, picks that could not be made included.
    failed: u32,
    /// Where those of them went that went anywhere.
    tried: Vec<SubchannelId>,
    /// Where the attempt under way goes.
    picked: Option<SubchannelId>,
}

/// A response that has begun, and what its body goes on with.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) deadline: Option<Deadline>,
    pub(super) running: Option<RunningCall>,
    pub(super) tracked: Option<Tracked>,
}

/// Where the attempt under way stands. Nearly every call goes from Pick to Sent to its answer: that way allocates nothing,
/// and polls in place.
#[allow(clippy::large_enum_variant, reason = "boxing the ordinary way is the allocation it is there to save")]
enum Step {
    Pick,
    Wait(Waiting),
    Sent(ClientStream),
    /// Answered, or failed.
    Done,
}

impl Call {
    pub(super) fn new(
        channel: Arc<Inner>,
        request: http::request::Parts,
        body: tonic::body::Body,
        options: CallOptions,
        traced: Option<Arc<Traced>>,
    ) -> Result<Self, Status> {
        let deadline = Deadline::of(&request.headers, channel.config.timeout)?;
        if deadline.as_ref().is_some_and(Deadline::is_over) {
            return Err(too_late());
        }
        Ok(Self {
            head: Head::new(request, &channel.config)?,
            body: RequestBuffer::new(body, channel.config.retry_buffer_size),
            attempts: Attempts::default(),
            wait_for_ready: options.wait_for_ready.unwrap_or(channel.config.wait_for_ready),
            deadline,
            step: Step::Pick,
            running: Some(RunningCall::start(&channel.shared)),
            tracked: None,
            traced,
            failed: 0,
            tried: Vec::new(),
            picked: None,
            channel,
        })
    }

    /// Makes attempts until one is answered, or the call has failed. Not to be polled after it was Ready.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, Status>> {
        match self.poll_steps(cx) {
            Poll::Ready(Ok(answer)) => Poll::Ready(Ok(Answered {
                answer,
                deadline: self.deadline.take(),
                running: self.running.take(),
                tracked: self.tracked.take(),
            })),
            Poll::Ready(Err(status)) => Poll::Ready(Err(status)),
            Poll::Pending => match &mut self.deadline {
                Some(deadline) => deadline.poll_passed(cx).map(|()| Err(self.deadline_exceeded())),
                None => Poll::Pending,
            },
        }
    }

    fn poll_steps(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Status>> {
        loop {
            match &mut self.step {
                Step::Pick => self.pick()?,
                Step::Wait(waiting) => match ready!(waiting.poll(cx)) {
                    Over::Pick => self.step = Step::Pick,
                    Over::Place(place) => self.send(place)?,
                    Over::Gone => return Poll::Ready(Err(Status::unavailable("the channel is gone"))),
                },
                Step::Sent(stream) => match ready!(stream.poll_head(&mut self.body, cx)) {
                    Ok(head) => {
                        if let Some(answer) = self.answer(head)? {
                            return Poll::Ready(Ok(answer));
                        }
                    }
                    Err(failed) => {
                        let at = Arc::clone(stream.connection().address());
                        self.on_failure(Some(&at), failed)?;
                    }
                },
                Step::Done => return Poll::Pending,
            }
        }
    }

    /// Asks the picker, and does what it says as far as that needs no waiting.
    fn pick(&mut self) -> Result<(), Status> {
        // What was picked before, and then could not be used, is nobody's any more.
        (self.picked, self.tracked) = (None, None);
        let snapshot = self.channel.shared.snapshot();
        match self.ask(&snapshot) {
            Pick::Go(picked) => {
                let subchannel = snapshot.subchannels.get(picked.subchannel);
                let place = |connection: &_| Place::try_on(connection).ok_or_else(|| Arc::clone(connection));
                if let Some(place) = subchannel.and_then(|subchannel| subchannel.with_connection(place)) {
                    self.picked = Some(picked.subchannel);
                    self.tracked = picked.track.map(Tracked::new);
                    return match place {
                        Ok(place) => self.send(place),
                        Err(connection) => {
                            self.wait(Waiting::for_stream(connection));
                            Ok(())
                        }
                    };
                }
            }
            Pick::Wake(token) => self.channel.wake(token),
            Pick::Queue if snapshot.state == ConnectivityState::Idle => {
                self.channel.exit_idle().map_err(|error| Status::internal(error.to_string()))?;
            }
            Pick::Queue => {}
            Pick::Fail(_) if self.wait_for_ready => {}
            Pick::Fail(failure) => {
                return self.on_failure(None, StreamFailure::processed(not_picked(&failure)));
            }
            Pick::Drop(failure) => return Err(not_picked(&failure)),
            // What a later version of the deciding core may say: the next picker knows better.
            _ => {}
        }
        // No picker says anything else if it is asked again.
        self.wait(Waiting::for_picker(self.channel.shared.moments(), snapshot.generation));
        Ok(())
    }

    fn ask(&self, snapshot: &Snapshot) -> Pick {
        let mut call = CallInfo::new(self.head.path());
        call.headers = &self.head;
        call.random = fastrand::u64(..);
        call.attempt = self.failed;
        call.tried = &self.tried;
        snapshot.picker.pick(&call)
    }

    fn wait(&mut self, waiting: Waiting) {
        self.head.waited();
        self.step = Step::Wait(waiting);
    }

    fn send(&mut self, place: Place) -> Result<(), Status> {
        if self.head.has_waited() && self.is_over() {
            return Err(too_late());
        }
        let (announced, retries) = (self.deadline.as_ref().and_then(Deadline::at), self.attempts.retries());
        let head = self.head.for_attempt(&self.channel.config, announced, retries)?;
        let connection = Arc::clone(place.connection());
        match ClientStream::open(place, head) {
            Ok(stream) => {
                self.step = Step::Sent(stream);
                self.on_sent(connection.address());
                Ok(())
            }
            Err(failed) => self.on_failure(Some(connection.address()), failed),
        }
    }

    /// The server has answered.
    fn answer(&mut self, head: ResponseHead) -> Result<Option<Answer>, Status> {
        let Step::Sent(stream) = std::mem::replace(&mut self.step, Step::Done) else { return Ok(None) };
        let connection = Arc::clone(stream.connection());
        match stream.answered(head, &mut self.body) {
            Ok(answer) => Ok(self.unless_retried(answer)),
            Err(failed) => self.on_failure(Some(connection.address()), failed).map(|()| None),
        }
    }

    /// The answer, if it is not a failure after which the call is made again: only one that is all head can be.
    fn unless_retried(&mut self, answer: Answer) -> Option<Answer> {
        if self.channel.config.retry.is_none() || answer.body.is_some() || self.is_over() {
            return Some(answer);
        }
        let headers = &answer.head.headers;
        let code = code_of(headers);
        if code == Code::Ok {
            return Some(answer);
        }
        let pushback = Pushback::parse(headers.get_all(&PUSHBACK).iter().map(HeaderValue::as_bytes));
        match self.next(Ended::Status { code, pushback }) {
            Next::GiveUp => Some(answer),
            next => {
                if let Some(tracked) = self.tracked.take() {
                    tracked.end_by(headers);
                }
                let failed = Status::from_header_map(headers).unwrap_or_else(|| Status::unknown(""));
                self.try_again(next, failed);
                None
            }
        }
    }

    fn on_sent(&mut self, to: &Arc<Address>) {
        if let Some(tracked) = &mut self.tracked {
            tracked.on_sent();
        }
        if let Some(traced) = &self.traced {
            traced.on_attempt(self.failed, to);
        }
    }

    /// Makes ready for another attempt, or fails the call.
    fn on_failure(&mut self, at: Option<&Arc<Address>>, failed: StreamFailure) -> Result<(), Status> {
        if let Some(at) = at.filter(|_| self.is_over()) {
            // Whatever the server says now, it may have noticed first, or been told so by something between.
            return Err(self.exceeded(no_answer(at), Some(at)));
        }
        if let Some(tracked) = self.tracked.take() {
            tracked.fail(&failed.status);
        }
        match self.next(failed.ended) {
            Next::GiveUp => Err(match at {
                Some(at) => Peer::blame(at, failed.status),
                None => failed.status,
            }),
            next => {
                self.try_again(next, failed.status);
                Ok(())
            }
        }
    }

    fn next(&mut self, ended: Ended) -> Next {
        if self.channel.shared.is_cut() {
            return Next::GiveUp;
        }
        let retry = self.channel.config.retry.as_ref();
        self.attempts.on_ended(ended, self.body.is_replayable(), retry, &mut || fastrand::u64(..))
    }

    fn try_again(&mut self, next: Next, failed: Status) {
        self.failed = self.failed.saturating_add(1);
        self.tried.extend(self.picked.take());
        if let Some(traced) = &self.traced {
            traced.on_attempt_failed(&failed);
        }
        match next {
            Next::After(wait) => {
                self.wait(Waiting::for_retry(self.channel.shared.moments(), wait, failed));
            }
            Next::Now | Next::GiveUp => self.step = Step::Pick,
        }
    }

    fn is_over(&self) -> bool {
        self.deadline.as_ref().is_some_and(Deadline::is_over)
    }

    fn deadline_exceeded(&mut self) -> Status {
        let at = match &self.step {
            Step::Sent(stream) => Some(Arc::clone(stream.connection().address())),
            Step::Wait(waiting) => waiting.stream_on().map(|connection| Arc::clone(connection.address())),
            Step::Pick | Step::Done => None,
        };
        let text = match (&self.step, &at) {
            (Step::Sent(_), Some(at)) => no_answer(at),
            (Step::Wait(waiting), _) => waiting.exceeded(self.channel.shared.failure().as_ref()),
            _ => "deadline exceeded".into(),
        };
        self.exceeded(text, at.as_ref())
    }

    fn exceeded(&mut self, text: String, at: Option<&Arc<Address>>) -> Status {
        let status = Status::deadline_exceeded(text);
        if let Some(tracked) = self.tracked.take() {
            tracked.fail(&status);
        }
        match at {
            Some(at) => Peer::blame(at, status),
            None => status,
        }
    }
}

fn not_picked(failure: &PickFailure) -> Status {
    status(failure.code(), failure.cause().to_string())
}

fn no_answer(at: &Address) -> String {
    format!("deadline exceeded while waiting for an answer from {at}")
}

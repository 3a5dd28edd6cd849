//! A call's attempts: picking, waiting, sending, and what a failure leads to.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::balance::{CallInfo, Pick, PickFailure, Picked, SubchannelId};
use evenkeel_core::call::{Attempts, Verdict};
use evenkeel_core::state::ConnectivityState;
use http::Request;
use tokio::time::{Instant, timeout};
use tonic::Status;

use super::deadline::{Deadline, is_over, too_late};
use super::head::Head;
use super::options::CallOptions;
use super::tracked::Tracked;
use crate::client::inner::Inner;
use crate::client::peer::Peer;
use crate::client::resolve::BoxFuture;
use crate::client::shared::{RunningCall, Snapshot};
use crate::http2::client::{Answer, Closed, Connection, Opened, Place, ReplayBody, StreamFailure};
use crate::observe::Traced;

/// A call that waits so long for a stream is worth a word: its server's limit is what makes it slow.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// A call under way, until its response begins.
pub(super) struct Call {
    channel: Arc<Inner>,
    head: Head,
    body: ReplayBody,
    attempts: Attempts,
    wait_for_ready: bool,
    stage: Stage,
    /// Until the response has it.
    running: Option<RunningCall>,
    /// The attempt under way, if its policy wants to hear of it.
    tracked: Option<Tracked>,
    /// Who follows the call, if somebody does.
    pub(super) traced: Option<Arc<Traced>>,
    /// Where attempts went that have failed.
    tried: Vec<SubchannelId>,
    /// Where the attempt under way goes.
    picked: Option<SubchannelId>,
}

/// What a picker said that could not be done at once, and which one.
pub(super) struct Asked {
    generation: u64,
    pick: Pick,
}

/// A response that has begun, and what its body goes on with.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) deadline: Option<Deadline>,
    pub(super) running: Option<RunningCall>,
    pub(super) tracked: Option<Tracked>,
}

/// What a call is waiting for: it is what DEADLINE_EXCEEDED should say.
enum Stage {
    Endpoint,
    Stream(Arc<Connection>),
    Response(Arc<Connection>),
}

impl Call {
    pub(super) fn new(
        channel: Arc<Inner>,
        request: http::request::Parts,
        body: tonic::body::Body,
        options: CallOptions,
    ) -> Result<Self, Status> {
        Ok(Self {
            head: Head::new(request, &channel.config)?,
            body: ReplayBody::new(body, channel.config.retry_buffer_size),
            attempts: Attempts::default(),
            wait_for_ready: options.wait_for_ready.unwrap_or(channel.config.wait_for_ready),
            stage: Stage::Endpoint,
            running: Some(RunningCall::start(&channel.shared)),
            tracked: None,
            traced: None,
            tried: Vec::new(),
            picked: None,
            channel,
        })
    }

    /// A place on a connection, if one can be had without waiting.
    pub(super) fn try_place(&mut self) -> Result<Place, Asked> {
        let snapshot = self.channel.shared.snapshot();
        let generation = snapshot.generation;
        let picked = match self.ask(&snapshot) {
            Pick::Go(picked) => picked,
            pick => return Err(Asked { generation, pick }),
        };
        let subchannel = snapshot.subchannels.get(picked.subchannel);
        let Some(place) = subchannel.and_then(|subchannel| subchannel.with_connection(Place::try_on)?) else {
            return Err(Asked { generation, pick: Pick::Go(picked) });
        };
        self.goes_to(picked);
        self.stage = Stage::Response(Arc::clone(place.connection()));
        Ok(place)
    }

    fn goes_to(&mut self, picked: Picked) {
        self.picked = Some(picked.subchannel);
        self.tracked = picked.track.map(Tracked::new);
    }

    pub(super) fn on_sent(&mut self) {
        if let Some(tracked) = &mut self.tracked {
            tracked.on_sent();
        }
        if let (Some(traced), Stage::Response(connection)) = (&self.traced, &self.stage) {
            let attempt = u32::try_from(self.tried.len()).unwrap_or(u32::MAX);
            traced.on_attempt(attempt, connection.address());
        }
    }

    pub(super) fn head(&mut self, deadline: Option<Instant>) -> Result<Request<()>, Status> {
        self.head.for_attempt(&self.channel.config, deadline)
    }

    pub(super) fn poll_answer(
        &mut self,
        opened: &mut Opened,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Answer, StreamFailure>> {
        opened.poll_answer(&mut self.body, cx)
    }

    /// Makes ready for another attempt, or fails the call.
    pub(super) fn on_failure(
        &mut self,
        failed: StreamFailure,
        deadline: Option<Instant>,
    ) -> Result<(), Status> {
        self.tried.extend(self.picked.take());
        if is_over(deadline) {
            // Whatever the server says now, it may have noticed first, or been told so by something between.
            return Err(self.deadline_exceeded());
        }
        if let Some(tracked) = self.tracked.take() {
            tracked.fail(&failed.status);
        }
        if let Some(traced) = &self.traced {
            traced.on_attempt_failed(&failed.status);
        }
        match self.attempts.on_failure(failed.failure, self.body.is_replayable()) {
            Verdict::Retry => {
                self.body.rewind();
                Ok(())
            }
            Verdict::GiveUp => Err(self.blame(failed.status)),
        }
    }

    /// Takes out what goes on with the response; a call is large, and is not moved for that.
    pub(super) fn answered(&mut self, answer: Answer, deadline: Option<Deadline>) -> Answered {
        Answered { answer, deadline, running: self.running.take(), tracked: self.tracked.take() }
    }

    /// Goes on, waiting wherever that is needed.
    pub(super) fn finish_slowly(
        mut self,
        asked: Option<Asked>,
        mut deadline: Option<Deadline>,
    ) -> BoxFuture<'static, Result<Answered, Status>> {
        Box::pin(async move {
            let answered = match &mut deadline {
                None => self.answer(asked, None, None).await,
                Some(deadline) => {
                    let (announced, ends) = (deadline.at(), deadline.ends());
                    let answered = tokio::select! {
                        biased;
                        answered = self.answer(asked, announced, Some(ends)) => Some(answered),
                        () = deadline.passed() => None,
                    };
                    answered.unwrap_or_else(|| Err(self.deadline_exceeded()))
                }
            };
            Ok(self.answered(answered?, deadline))
        })
    }

    /// Makes attempts until one is answered or the call has failed. `announced` is what servers are told, `ends` until
    /// when a head must be there.
    async fn answer(
        &mut self,
        mut asked: Option<Asked>,
        announced: Option<Instant>,
        ends: Option<Instant>,
    ) -> Result<Answer, Status> {
        loop {
            let place = self.place(asked.take()).await?;
            if is_over(ends) {
                return Err(too_late());
            }
            let head = self.head.for_attempt(&self.channel.config, announced)?;
            let failed = match Opened::new(place, head) {
                Err(failed) => failed,
                Ok(mut opened) => {
                    self.on_sent();
                    match poll_fn(|cx| opened.poll_answer(&mut self.body, cx)).await {
                        Ok(answer) => return Ok(answer),
                        Err(failed) => failed,
                    }
                }
            };
            self.on_failure(failed, ends)?;
        }
    }

    /// Picks an endpoint and waits for a stream on it; picks again if its connection goes meanwhile.
    async fn place(&mut self, mut asked: Option<Asked>) -> Result<Place, Status> {
        loop {
            let connection = self.pick(asked.take()).await?;
            let place = match Place::try_on(&connection) {
                Some(place) => place,
                None => {
                    self.stage = Stage::Stream(Arc::clone(&connection));
                    self.head.waited();
                    match wait_for_place(&connection).await {
                        Ok(place) => place,
                        Err(_) => continue,
                    }
                }
            };
            self.stage = Stage::Response(connection);
            return Ok(place);
        }
    }

    /// Asks pickers, each generation once, until one names a connection that takes calls.
    async fn pick(&mut self, mut asked: Option<Asked>) -> Result<Arc<Connection>, Status> {
        self.stage = Stage::Endpoint;
        let mut moments = None;
        loop {
            let generation = {
                let snapshot = self.channel.shared.snapshot();
                let Asked { generation, pick } = match asked.take() {
                    Some(asked) => asked,
                    None => Asked { generation: snapshot.generation, pick: self.ask(&snapshot) },
                };
                match pick {
                    Pick::Go(picked) => {
                        let subchannel = snapshot.subchannels.get(picked.subchannel);
                        if let Some(connection) = subchannel.and_then(|subchannel| subchannel.connection()) {
                            self.goes_to(picked);
                            return Ok(connection);
                        }
                    }
                    Pick::Wake(token) => self.channel.wake(token),
                    Pick::Queue if snapshot.state == ConnectivityState::Idle => {
                        self.channel.exit_idle().map_err(|error| Status::internal(error.to_string()))?;
                    }
                    Pick::Queue => {}
                    Pick::Fail(_) if self.wait_for_ready => {}
                    Pick::Fail(PickFailure(text)) | Pick::Drop(PickFailure(text)) => {
                        return Err(Status::unavailable(text.to_string()));
                    }
                    // What a later version of the deciding core may say: the next picker knows better.
                    _ => {}
                }
                generation
            };
            self.head.waited();
            let moments = moments.get_or_insert_with(|| self.channel.shared.moments());
            if moments.wait_for(|newest| newest.generation > generation).await.is_err() {
                return Err(Status::unavailable("the channel is gone"));
            }
        }
    }

    fn ask(&self, snapshot: &Snapshot) -> Pick {
        let mut call = CallInfo::new(self.head.path());
        call.headers = &self.head;
        call.random = fastrand::u64(..);
        call.attempt = u32::try_from(self.tried.len()).unwrap_or(u32::MAX);
        call.tried = &self.tried;
        snapshot.picker.pick(&call)
    }

    pub(super) fn deadline_exceeded(&mut self) -> Status {
        let text = match &self.stage {
            Stage::Endpoint => match self.channel.shared.failure() {
                Some(cause) => format!("deadline exceeded while waiting for a READY endpoint: {cause}"),
                None => "deadline exceeded while waiting for a READY endpoint".into(),
            },
            Stage::Stream(connection) => {
                format!(
                    "deadline exceeded while waiting for a stream: {} allows no more",
                    connection.address()
                )
            }
            Stage::Response(connection) => {
                format!("deadline exceeded while waiting for an answer from {}", connection.address())
            }
        };
        let status = Status::deadline_exceeded(text);
        if let Some(tracked) = self.tracked.take() {
            tracked.fail(&status);
        }
        self.blame(status)
    }

    fn blame(&self, status: Status) -> Status {
        match &self.stage {
            Stage::Endpoint => status,
            Stage::Stream(connection) | Stage::Response(connection) => {
                Peer::blame(connection.address(), status)
            }
        }
    }
}

/// Waits for a stream; a long wait is told once for each connection.
async fn wait_for_place(connection: &Arc<Connection>) -> Result<Place, Closed> {
    let mut place = std::pin::pin!(Place::on(Arc::clone(connection)));
    if let Ok(place) = timeout(LONG_WAIT, place.as_mut()).await {
        return place;
    }
    if connection.is_first_long_wait() {
        tracing::warn!(
            address = %connection.address(),
            streams = connection.streams(),
            "calls wait for over 1 s because the server allows no more streams on its connection \
             (SETTINGS_MAX_CONCURRENT_STREAMS); this is said once for each connection"
        );
    }
    place.await
}

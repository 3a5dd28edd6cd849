//! A call's attempts: picking, waiting, sending, and what a failure leads to.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::balance::{CallInfo, Pick, PickFailure};
use evenkeel_core::call::{Attempts, Verdict};
use evenkeel_core::state::ConnectivityState;
use http::Request;
use tokio::time::{Instant, timeout};
use tonic::Status;

use super::deadline::{Deadline, is_over, too_late};
use super::head::Head;
use crate::client::inner::Inner;
use crate::client::options::{CallOptions, Peer};
use crate::client::resolve::BoxFuture;
use crate::client::shared::{RunningCall, Snapshot};
use crate::http2::client::{Answer, Closed, Connection, Opened, Place, ReplayBody, StreamFailure};

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
    running: RunningCall,
}

/// A response that has begun, and what its body goes on with.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) deadline: Option<Deadline>,
    pub(super) running: RunningCall,
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
            running: RunningCall::start(&channel.shared),
            channel,
        })
    }

    /// A place on a connection, if one can be had without waiting.
    pub(super) fn try_place(&mut self) -> Option<Place> {
        let snapshot = self.channel.shared.snapshot();
        let Pick::Subchannel(id) = self.ask(&snapshot) else { return None };
        let place = snapshot.subchannels.get(id)?.with_connection(Place::try_on)??;
        self.stage = Stage::Response(Arc::clone(place.connection()));
        Some(place)
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
        if is_over(deadline) {
            // Whatever the server says now, it may have noticed first, or been told so by something between.
            return Err(self.deadline_exceeded());
        }
        match self.attempts.on_failure(failed.failure, self.body.is_replayable()) {
            Verdict::Retry => {
                self.body.rewind();
                Ok(())
            }
            Verdict::GiveUp => Err(self.blame(failed.status)),
        }
    }

    pub(super) fn into_running(self) -> RunningCall {
        self.running
    }

    /// Goes on, waiting wherever that is needed.
    pub(super) fn finish_slowly(
        mut self,
        mut deadline: Option<Deadline>,
    ) -> BoxFuture<'static, Result<Answered, Status>> {
        Box::pin(async move {
            let answered = match &mut deadline {
                None => self.answer(None, None).await,
                Some(deadline) => {
                    let (announced, ends) = (deadline.at(), deadline.ends());
                    let answered = tokio::select! {
                        biased;
                        answered = self.answer(announced, Some(ends)) => Some(answered),
                        () = deadline.passed() => None,
                    };
                    answered.unwrap_or_else(|| Err(self.deadline_exceeded()))
                }
            };
            answered.map(|answer| Answered { answer, deadline, running: self.running })
        })
    }

    /// Makes attempts until one is answered or the call has failed. `announced` is what servers are told, `ends` until
    /// when a head must be there.
    async fn answer(&mut self, announced: Option<Instant>, ends: Option<Instant>) -> Result<Answer, Status> {
        loop {
            let place = self.place().await?;
            if is_over(ends) {
                return Err(too_late());
            }
            let head = self.head.for_attempt(&self.channel.config, announced)?;
            let failed = match Opened::new(place, head) {
                Err(failed) => failed,
                Ok(mut opened) => match poll_fn(|cx| opened.poll_answer(&mut self.body, cx)).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => failed,
                },
            };
            self.on_failure(failed, ends)?;
        }
    }

    /// Picks an endpoint and waits for a stream on it; picks again if its connection goes meanwhile.
    async fn place(&mut self) -> Result<Place, Status> {
        loop {
            let connection = self.pick().await?;
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
    async fn pick(&mut self) -> Result<Arc<Connection>, Status> {
        self.stage = Stage::Endpoint;
        let mut generations = None;
        loop {
            let generation = {
                let snapshot = self.channel.shared.snapshot();
                match self.ask(&snapshot) {
                    Pick::Subchannel(id) => {
                        let subchannel = snapshot.subchannels.get(id);
                        if let Some(connection) = subchannel.and_then(|subchannel| subchannel.connection()) {
                            return Ok(connection);
                        }
                    }
                    Pick::Queue if snapshot.state == ConnectivityState::Idle => {
                        self.channel.exit_idle().map_err(|error| Status::internal(error.to_string()))?;
                    }
                    Pick::Queue => {}
                    Pick::Fail(_) if self.wait_for_ready => {}
                    Pick::Fail(PickFailure(text)) | Pick::Drop(PickFailure(text)) => {
                        return Err(Status::unavailable(text.to_string()));
                    }
                }
                snapshot.generation
            };
            self.head.waited();
            let generations = generations.get_or_insert_with(|| self.channel.shared.generations());
            if generations.wait_for(|newest| *newest > generation).await.is_err() {
                return Err(Status::unavailable("the channel is gone"));
            }
        }
    }

    fn ask(&self, snapshot: &Snapshot) -> Pick {
        snapshot.picker.pick(&CallInfo { path: self.head.path() })
    }

    pub(super) fn deadline_exceeded(&self) -> Status {
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
        self.blame(Status::deadline_exceeded(text))
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

//! The test service: it does what the request says.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::proto::echo_server::{Echo, EchoServer};
use crate::proto::{EchoRequest, EchoResponse};

/// Request metadata for `Bidi`: how many messages the handler sends before it reads the first one.
pub const PUSH_FIRST: &str = "x-push-first";

/// Request metadata with this prefix comes back: in the response's head when the call succeeds, in its trailers when
/// it fails.
pub const ECHO_PREFIX: &str = "x-echo-";

/// The Echo service under a name, counting what it does. Clones share the counts.
#[derive(Clone, Debug)]
pub struct EchoService {
    name: Arc<str>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    open_streams: AtomicU64,
}

/// Counts a streaming response as open until it is dropped.
struct Open<S> {
    stream: S,
    counts: Arc<Counts>,
}

impl EchoService {
    /// A service whose answers say `name`.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), counts: Arc::default() }
    }

    /// The service as tonic's router takes it, for messages of any size.
    pub fn into_server(self) -> EchoServer<Self> {
        EchoServer::new(self).max_decoding_message_size(usize::MAX)
    }

    /// How many calls have begun.
    pub fn calls(&self) -> u64 {
        self.counts.calls.load(Ordering::SeqCst)
    }

    /// How many streaming responses (server-streaming and bidirectional) are neither finished nor cancelled.
    pub fn open_streams(&self) -> u64 {
        self.counts.open_streams.load(Ordering::SeqCst)
    }

    fn begin(&self) {
        self.counts.calls.fetch_add(1, Ordering::SeqCst);
    }

    fn answer(&self, payload: Vec<u8>, received: u32) -> EchoResponse {
        EchoResponse { payload, received, served_by: self.name.to_string() }
    }

    fn open<S>(&self, stream: S) -> Open<S> {
        self.counts.open_streams.fetch_add(1, Ordering::SeqCst);
        Open { stream, counts: Arc::clone(&self.counts) }
    }
}

impl<S> Drop for Open<S> {
    fn drop(&mut self) {
        self.counts.open_streams.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S: Stream + Unpin> Stream for Open<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        Pin::new(&mut self.stream).poll_next(cx)
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<EchoResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Echo for EchoService {
    async fn unary(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        self.begin();
        let metadata = echoed(request.metadata());
        let request = request.into_inner();
        obey(&request).await.map_err(|status| with_metadata(status, &metadata))?;
        Ok(with_head(self.answer(request.payload, 1), &metadata))
    }

    type ServerStreamStream = Answers;

    /// Sends `repeat` answers, then fails if it was asked to.
    async fn server_stream(&self, request: Request<EchoRequest>) -> Result<Response<Answers>, Status> {
        self.begin();
        let metadata = echoed(request.metadata());
        let request = request.into_inner();
        let answer = self.answer(request.payload.clone(), 1);
        let answers = tokio_stream::iter((0..request.repeat).map(move |_| Ok(answer.clone())));
        pause(&request).await;
        let end = fail(&request).map_err(|status| with_metadata(status, &metadata)).err();
        let answers = answers.chain(tokio_stream::iter(end.map(Err)));
        Ok(with_head(Box::pin(self.open(answers)) as Answers, &metadata))
    }

    /// Answers with the last message's payload when the client has sent all, or fails if any message said so.
    async fn client_stream(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<EchoResponse>, Status> {
        self.begin();
        let metadata = echoed(request.metadata());
        let mut messages = request.into_inner();
        let (mut received, mut payload) = (0, Vec::new());
        while let Some(message) = messages.message().await? {
            received += 1;
            obey(&message).await.map_err(|status| with_metadata(status, &metadata))?;
            payload = message.payload;
        }
        Ok(with_head(self.answer(payload, received), &metadata))
    }

    type BidiStream = Answers;

    /// Answers each message at once; with [`PUSH_FIRST`], sends that many before it reads the first.
    async fn bidi(&self, request: Request<Streaming<EchoRequest>>) -> Result<Response<Answers>, Status> {
        self.begin();
        let metadata = echoed(request.metadata());
        let pushed = request.metadata().get(PUSH_FIRST).and_then(|value| value.to_str().ok());
        let pushed: u32 = pushed.and_then(|text| text.parse().ok()).unwrap_or(0);
        let (all_pushed, may_read) = oneshot::channel();
        let (sender, answers) = mpsc::channel(1);
        let service = self.clone();
        tokio::spawn(async move {
            // When the response is dropped before everything is pushed, the echo finds its channel closed.
            let _ = may_read.await;
            if let Err(status) = service.echo_all(request.into_inner(), &sender).await {
                // The caller may have gone; then nobody needs the status.
                let _ = sender.send(Err(status)).await;
            }
        });
        let push = self.answer(Vec::new(), 0);
        let mut all_pushed = Some(all_pushed);
        let pushes = (0..pushed).map(move |_| Ok(push.clone())).chain(std::iter::from_fn(move || {
            all_pushed.take().map(|signal| signal.send(()));
            None
        }));
        let answers = tokio_stream::iter(pushes).chain(ReceiverStream::new(answers));
        Ok(with_head(Box::pin(self.open(answers)) as Answers, &metadata))
    }
}

impl EchoService {
    async fn echo_all(
        &self,
        mut messages: Streaming<EchoRequest>,
        answers: &mpsc::Sender<Result<EchoResponse, Status>>,
    ) -> Result<(), Status> {
        let gone = |_| Status::cancelled("the caller has gone");
        let mut received = 0;
        while let Some(message) = messages.message().await? {
            received += 1;
            obey(&message).await?;
            answers.send(Ok(self.answer(message.payload, received))).await.map_err(gone)?;
        }
        Ok(())
    }
}

async fn obey(request: &EchoRequest) -> Result<(), Status> {
    pause(request).await;
    fail(request)
}

async fn pause(request: &EchoRequest) {
    if request.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(request.delay_ms.into())).await;
    }
}

fn fail(request: &EchoRequest) -> Result<(), Status> {
    assert!(!request.panic, "the request asked for a panic");
    match request.fail_code {
        0 => Ok(()),
        code => {
            let text = match &*request.payload {
                [] => "the request asked to fail".into(),
                text => String::from_utf8_lossy(text),
            };
            Err(Status::new(Code::from(code as i32), text))
        }
    }
}

fn echoed(metadata: &MetadataMap) -> MetadataMap {
    let mut kept = MetadataMap::new();
    for field in metadata.iter() {
        match field {
            KeyAndValueRef::Ascii(key, value) if key.as_str().starts_with(ECHO_PREFIX) => {
                kept.append(key, value.clone());
            }
            KeyAndValueRef::Binary(key, value) if key.as_str().starts_with(ECHO_PREFIX) => {
                kept.append_bin(key, value.clone());
            }
            _ => {}
        }
    }
    kept
}

fn with_head<T>(message: T, metadata: &MetadataMap) -> Response<T> {
    let mut response = Response::new(message);
    *response.metadata_mut() = metadata.clone();
    response
}

fn with_metadata(status: Status, metadata: &MetadataMap) -> Status {
    Status::with_metadata(status.code(), status.message(), metadata.clone())
}

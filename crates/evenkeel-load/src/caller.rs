//! One call of a load: any unary method, an empty message, and a note of who answered.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Buf;
use evenkeel::{Channel, Peer};
use http::uri::PathAndQuery;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};
use tower_service::Service;

use crate::counts::Counts;
use crate::plan::CallPlan;
use crate::school::SERVED_BY;
use crate::tally::{Outcome, Place, Pod, Summary};
use crate::text::printable;
use crate::timeline::Timeline;
use crate::watch::Watch;

/// Makes calls on one channel and tallies them.
#[derive(Debug)]
pub struct Caller {
    channel: Channel,
    method: PathAndQuery,
    timeout: std::time::Duration,
    start: Instant,
    counts: Mutex<Counts>,
    /// What tells one connection to an address from the next.
    watch: Option<Arc<Watch>>,
}

/// The channel, with an eye on the response's head: it names the pod even when the call fails.
struct Witness {
    channel: Channel,
    served_by: Arc<OnceLock<Pod>>,
}

/// Sends the empty message, takes any.
#[derive(Clone, Copy, Debug, Default)]
struct EmptyCodec;

impl Caller {
    /// Of the plan it takes method and deadline; `start` is what the summary's times count from.
    pub fn new(channel: Channel, plan: &CallPlan, start: Instant) -> Self {
        let counts = Mutex::default();
        Self { channel, method: plan.method.clone(), timeout: plan.timeout, start, counts, watch: None }
    }

    /// Takes the watch's word for when connections began: a failure then goes to the pod behind its connection, where one
    /// is known, and not to the address alone.
    #[must_use]
    pub fn watched_by(self, watch: Arc<Watch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Counts by the interval too, for [`Caller::interval`].
    #[must_use]
    pub fn by_interval(self) -> Self {
        self.counts().by_interval();
        self
    }

    /// Counts over time too, for [`Caller::timeline`].
    #[must_use]
    pub fn over_time(self) -> Self {
        self.counts().over_time();
        self
    }

    /// Makes one call; says whether it succeeded. Its latency counts from `scheduled`, its deadline from now.
    pub(crate) async fn call(&self, scheduled: Instant) -> bool {
        let started = self.start.elapsed();
        let served_by = Arc::new(OnceLock::new());
        let witness = Witness { channel: self.channel.clone(), served_by: Arc::clone(&served_by) };
        let (code, message, failed_on) = match self.unary(witness).await {
            Ok(()) => (Code::Ok, String::new(), None),
            Err(status) => {
                let message = printable(status.message());
                tracing::debug!(code = ?status.code(), message, "a call failed");
                (status.code(), message, self.place(&status))
            }
        };
        let served_by = served_by.get().cloned();
        let now = Instant::now();
        let (at, latency) = (now.duration_since(self.start), now.duration_since(scheduled));
        self.counts().on_outcome(Outcome { started, at, latency, code, served_by, failed_on, message });
        code == Code::Ok
    }

    /// What its times count from.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// What came of all calls until now; `target` is what the summary says of whom they went to.
    pub fn summary(&self, target: &str) -> Summary {
        self.counts().total(target, self.start.elapsed())
    }

    /// As [`Caller::summary`], of what came since this was last asked, or since the start; only where it is counted by
    /// the interval.
    pub fn interval(&self, target: &str) -> Summary {
        self.counts().take_interval(target, self.start.elapsed())
    }

    /// Who answered when; nothing unless it is counted over time.
    pub fn timeline(&self) -> Timeline {
        self.counts().timeline(self.start.elapsed())
    }

    /// The connection that a call failed on.
    fn place(&self, status: &Status) -> Option<Place> {
        let address = Peer::of_failure(status)?.address().to_string();
        let connected = self.watch.as_ref().and_then(|watch| watch.connected(&address));
        Some(Place { address, connected })
    }

    async fn unary(&self, witness: Witness) -> Result<(), Status> {
        let mut client = tonic::client::Grpc::new(witness);
        client.ready().await?;
        let mut request = Request::new(());
        request.set_timeout(self.timeout);
        client.unary(request, self.method.clone(), EmptyCodec).await.map(drop)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<http::Request<Body>> for Witness {
    type Response = <Channel as Service<http::Request<Body>>>::Response;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let served_by = Arc::clone(&self.served_by);
        let response = self.channel.call(request);
        Box::pin(async move {
            let response = response.await?;
            if let Some(peer) = response.extensions().get::<Peer>() {
                let address = peer.address().to_string();
                let name = response.headers().get(SERVED_BY).and_then(|name| name.to_str().ok());
                let name = name.map_or_else(|| address.clone(), str::to_owned);
                // Set once per call, so it cannot be taken already.
                let _ = served_by.set(Pod { name, address });
            }
            Ok(response)
        })
    }
}

impl Codec for EmptyCodec {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for EmptyCodec {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for EmptyCodec {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        message.advance(message.remaining());
        Ok(Some(()))
    }
}

//! The channel: what tonic's generated clients are given.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use evenkeel_core::state::ConnectivityState;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use super::builder::{BuildError, ChannelBuilder};
use super::call::{ResponseBody, ResponseFuture};
use super::config::Config;
use super::driver::{Command, Driver};
use super::shared::Shared;

/// A gRPC channel: one target, all its backends. Give it, cloned freely, to tonic's generated clients.
///
/// A channel is IDLE until its first call or [`Channel::connect`]; its tasks run on the runtime where that happens.
/// It is always ready for another call: `poll_ready` never waits, each call waits for itself, within its own deadline.
///
/// Dropping the last clone closes its connections as soon as the calls that still run on them have ended, and
/// nothing else of it survives. [`Channel::close`] does not wait for calls.
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

/// What calls are told after [`Channel::close`].
pub(super) const CLOSED: &str = "the channel was closed";

/// Why [`ChannelBuilder::connect`] or [`Channel::ready`] gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The channel could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No endpoint could be reached.
    #[error("not connected: {cause}")]
    Unavailable {
        /// What the last attempt, or the resolver, said.
        cause: Arc<str>,
    },
    /// The channel was closed meanwhile.
    #[error("the channel was closed")]
    Closed,
    /// There is no tokio runtime here for the channel's tasks.
    #[error("a channel must be started on a tokio runtime")]
    NoRuntime,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) config: Arc<Config>,
    commands: mpsc::UnboundedSender<Command>,
    /// The driver, until it is started.
    seed: Mutex<Option<Driver>>,
}

impl Channel {
    /// Starts the settings of a channel to `target`, for example `dns:///greeter-headless.default.svc.cluster.local:50051`.
    ///
    /// Built in are `dns`, `passthrough`, `ipv4`, `ipv6`, `unix` and `unix-abstract`; a target without a scheme
    /// means `dns:///target` (gRPC naming).
    pub fn builder(target: impl Into<String>) -> ChannelBuilder {
        ChannelBuilder::new(target.into())
    }

    pub(super) fn new(config: Config) -> Self {
        let shared = Arc::new(Shared::new());
        let config = Arc::new(config);
        let (commands, inbox) = mpsc::unbounded_channel();
        let driver = Driver::new(Arc::clone(&shared), Arc::clone(&config), inbox);
        Self { inner: Arc::new(Inner { shared, config, commands, seed: Mutex::new(Some(driver)) }) }
    }

    /// The connectivity state now.
    pub fn state(&self) -> ConnectivityState {
        self.inner.shared.snapshot().state
    }

    /// Waits until the state is another than `from`, and returns it. Cancel-safe.
    ///
    /// States that last shorter than it takes to look are not seen.
    pub async fn wait_for_change(&self, from: ConnectivityState) -> ConnectivityState {
        let mut states = self.inner.shared.states();
        match states.wait_for(|state| *state != from).await {
            Ok(state) => *state,
            // The sender lives in the channel that we hold.
            Err(_) => ConnectivityState::Shutdown,
        }
    }

    /// Starts connecting if the channel is IDLE, without waiting.
    ///
    /// # Errors
    /// [`ConnectError::NoRuntime`] when the channel has not been started and there is no tokio runtime here.
    pub fn connect(&self) -> Result<(), ConnectError> {
        if self.state() == ConnectivityState::Idle {
            self.inner.exit_idle()?;
        }
        Ok(())
    }

    /// Connects and waits until the channel is READY. Cancel-safe.
    ///
    /// # Errors
    /// When it enters TRANSIENT_FAILURE before, is closed, or cannot be started here.
    pub async fn ready(&self) -> Result<(), ConnectError> {
        let mut state = self.state();
        loop {
            match state {
                ConnectivityState::Ready => return Ok(()),
                ConnectivityState::Idle => self.connect()?,
                ConnectivityState::Connecting => {}
                ConnectivityState::TransientFailure => {
                    let cause = self.inner.shared.failure().unwrap_or_else(|| "no endpoint is READY".into());
                    return Err(ConnectError::Unavailable { cause });
                }
                ConnectivityState::Shutdown => return Err(ConnectError::Closed),
            }
            state = self.wait_for_change(state).await;
        }
    }

    /// Closes the channel for all its clones: waiting calls fail, running ones are cut off with CANCELLED.
    ///
    /// Returns when its tasks have ended. Dropping the future does not stop the closing.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.inner.take_seed().is_some() {
            self.inner.shared.publish_shutdown(CLOSED);
        }
        if self.inner.commands.send(Command::Close(done)).is_ok() {
            // An error means that the driver has ended already.
            let _ = closed.await;
        }
    }
}

impl Inner {
    /// Has the channel leave IDLE, on this runtime if it was not started before.
    pub(super) fn exit_idle(&self) -> Result<(), ConnectError> {
        let mut seed = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        if seed.is_some() {
            let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
            if let Some(driver) = seed.take() {
                runtime.spawn(driver.run());
            }
        }
        drop(seed);
        // Without a driver the state is SHUTDOWN, which is what the caller looks at next.
        let _ = self.commands.send(Command::ExitIdle);
        Ok(())
    }

    fn take_seed(&self) -> Option<Driver> {
        self.seed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl tower_service::Service<http::Request<tonic::body::Body>> for Channel {
    type Response = http::Response<ResponseBody>;
    type Error = Status;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        ResponseFuture::new(Arc::clone(&self.inner), request)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("target", &self.inner.config.target.to_string())
            .field("state", &self.state())
            .finish()
    }
}

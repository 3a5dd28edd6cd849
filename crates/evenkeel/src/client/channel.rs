//! The channel: what tonic's generated clients are given.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use evenkeel_core::state::ConnectivityState;
use tonic::Status;

use super::call::{ResponseBody, ResponseFuture};
use super::config::Config;
use super::connection_info::ConnectionInfo;
use super::error::ConnectError;
use super::inner::Inner;
use crate::http2::client::Connection;

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

impl Channel {
    pub(super) fn new(config: Config) -> Self {
        Self { inner: Arc::new(Inner::new(config)) }
    }

    #[cfg(test)]
    pub(super) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The connectivity state now.
    pub fn state(&self) -> ConnectivityState {
        self.inner.shared.state()
    }

    /// Waits until the state is another than `from`, and returns it. Cancel-safe.
    ///
    /// States that last shorter than it takes to look are not seen.
    pub async fn wait_for_change(&self, from: ConnectivityState) -> ConnectivityState {
        let mut moments = self.inner.shared.moments();
        match moments.wait_for(|moment| moment.state != from).await {
            Ok(moment) => moment.state,
            // The sender lives in the channel that we hold.
            Err(_) => ConnectivityState::Shutdown,
        }
    }

    /// The connections that take new calls now, one per READY subchannel. A connection that drains is not among them.
    ///
    /// Looks at what calls look at, and costs as little: for tables, tests and debugging.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let snapshot = self.inner.shared.snapshot();
        let info = |connection: &Arc<Connection>| ConnectionInfo {
            address: Arc::clone(connection.address()),
            calls_in_flight: connection.streams(),
        };
        snapshot.subchannels.iter().filter_map(|subchannel| subchannel.with_connection(info)).collect()
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
        self.inner.close().await;
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

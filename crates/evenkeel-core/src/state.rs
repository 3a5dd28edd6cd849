//! Connectivity states, of a channel and of a subchannel.

use std::fmt;

/// Where a channel or a subchannel stands (gRPC connectivity semantics).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectivityState {
    /// Not trying to connect; a call or an explicit request starts it.
    Idle,
    /// Resolving the name, or a connection attempt is under way.
    Connecting,
    /// Calls can be sent.
    Ready,
    /// The last attempt failed; the next one starts when its backoff ends.
    TransientFailure,
    /// Closed for good.
    Shutdown,
}

impl ConnectivityState {
    /// The name gRPC gives the state, for example `TRANSIENT_FAILURE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Connecting => "CONNECTING",
            Self::Ready => "READY",
            Self::TransientFailure => "TRANSIENT_FAILURE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

impl fmt::Display for ConnectivityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! Why a channel cannot be built or connected.

use evenkeel_core::balance::UnknownPolicy;
use evenkeel_core::cause::Cause;
use evenkeel_core::target::TargetError;

#[cfg(feature = "tls")]
use crate::tls::TlsError;

/// Why a channel could not be built. Each names the part at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The target.
    #[error("bad target `{target}`: {error}")]
    Target {
        /// The whole target.
        target: String,
        /// What is wrong with it.
        #[source]
        error: TargetError,
    },
    /// The `:authority`, set on the builder or made from the target.
    #[error("`{authority}` cannot be an :authority")]
    Authority {
        /// The text.
        authority: String,
    },
    /// The user agent.
    #[error("`{user_agent}` cannot be a user-agent header")]
    UserAgent {
        /// The text.
        user_agent: String,
    },
    /// The load-balancing policy.
    #[error(transparent)]
    Policy(#[from] UnknownPolicy),
    /// The settings of TLS.
    #[cfg(feature = "tls")]
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// A number out of its bounds.
    #[error("{setting} is {value}, but must be {bounds}")]
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// What it was given.
        value: u32,
        /// What it takes.
        bounds: &'static str,
    },
}

/// Why [`ChannelBuilder::connect`](super::ChannelBuilder::connect) or [`Channel::ready`](super::Channel::ready) gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The channel could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No endpoint could be reached.
    #[error("not connected: {cause}")]
    Unavailable {
        /// What the last attempt, or the resolver, said, and of which kind it is.
        cause: Cause,
    },
    /// The channel was closed meanwhile.
    #[error("the channel was closed")]
    Closed,
    /// There is no tokio runtime here for the channel's tasks.
    #[error("a channel must be started on a tokio runtime")]
    NoRuntime,
}

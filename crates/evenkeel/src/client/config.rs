//! What a channel was built with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::balance::PolicyConfig;
use evenkeel_core::call::Retry;
use evenkeel_core::channel::Settings;
use evenkeel_core::target::Target;
use http::HeaderValue;
use http::uri::{Authority, Scheme};

use super::connect::Transport;
use super::resolve::Refresh;
use super::resolve::ResolverFactory;
use crate::http2::client::Http2Settings;
use crate::observe::Observers;

/// Everything the builder settled, shared by a channel's driver and its calls.
pub(super) struct Config {
    pub(super) target: Target,
    pub(super) factory: Arc<dyn ResolverFactory>,
    pub(super) refresh: Refresh,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) user_agent: HeaderValue,
    pub(super) wait_for_ready: bool,
    /// How long a call may wait for its response's head.
    pub(super) timeout: Option<Duration>,
    /// How much of a request stream is kept for another attempt.
    pub(super) retry_buffer_size: usize,
    /// What is retried beyond what no server has seen.
    pub(super) retry: Option<Retry>,
    pub(super) policy: Arc<dyn PolicyConfig>,
    pub(super) connect: Settings,
    pub(super) transport: Transport,
    pub(super) http2: Http2Settings,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) observers: Observers,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("target", &self.target)
            .field("authority", &self.authority)
            .field("policy", &self.policy)
            .field("connect", &self.connect)
            .finish_non_exhaustive()
    }
}

//! Everything a program can set about a channel.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::Backoff;
use evenkeel_core::connect::Settings;
use evenkeel_core::target::{Target, TargetError};
use http::HeaderValue;
use http::uri::{Authority, Scheme};

use super::channel::{Channel, ConnectError};
use super::config::Config;
use super::connect::{Connector, Sockets, TcpOptions};
use super::options::Refresh;
use super::resolve::{ResolveContext, ResolverFactory, built_in};
use crate::http2::client::Http2Settings;
use crate::observe::{Log, Observer, Observers};

/// What calls say about who sent them (gRPC over HTTP/2, "User Agents").
const USER_AGENT: &str = concat!("grpc-rust-evenkeel/", env!("CARGO_PKG_VERSION"));

/// The least time an attempt to connect is given (gRPC connection backoff).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Without calls for so long, a channel closes its connections (gRFC A62).
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// HTTP/2 forbids larger windows, and frames outside these bounds (RFC 9113 §6.5.2, §6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;
const FRAME_SIZES: std::ops::RangeInclusive<u32> = (1 << 14)..=(1 << 24) - 1;

/// Settings of a [`Channel`] to be. Every one has a default that suits a Service in a Kubernetes cluster.
#[must_use = "a builder does nothing until `build` or `connect`"]
pub struct ChannelBuilder {
    target: String,
    factories: Vec<Arc<dyn ResolverFactory>>,
    refresh: Refresh,
    authority: Option<String>,
    user_agent: Option<String>,
    wait_for_ready: bool,
    connect: Settings,
    connector: Option<Arc<dyn Connector>>,
    tcp: TcpOptions,
    http2: Http2Settings,
    idle_timeout: Option<Duration>,
    observers: Observers,
}

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

impl ChannelBuilder {
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            factories: Vec::new(),
            refresh: Refresh::Ttl,
            authority: None,
            user_agent: None,
            wait_for_ready: false,
            connect: Settings { backoff: Backoff::default(), connect_timeout: CONNECT_TIMEOUT },
            connector: None,
            tcp: TcpOptions::default(),
            http2: Http2Settings::default(),
            idle_timeout: Some(IDLE_TIMEOUT),
            observers: Observers::default(),
        }
    }

    /// When a `dns:` name is looked up again. Default: [`Refresh::Ttl`].
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.refresh = refresh;
        self
    }

    /// Whether calls wait for a READY endpoint instead of failing while none can be reached. Default: off.
    ///
    /// [`CallOptions`](super::CallOptions) override it for one call (gRPC wait-for-ready).
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = wait;
        self
    }

    /// Adds a resolver for the scheme that `factory` names; it wins over a built-in one, and over one added before.
    pub fn resolver(mut self, factory: impl ResolverFactory) -> Self {
        self.factories.insert(0, Arc::new(factory));
        self
    }

    /// Adds a subscriber to the channel's events. `tracing` gets them in any case.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.add(observer);
        self
    }

    /// The `:authority` of calls. Default: the target's endpoint (gRPC naming).
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.authority = Some(authority.into());
        self
    }

    /// What comes before evenkeel's own name in the `user-agent` header. Default: nothing.
    pub fn user_agent(mut self, prefix: impl Into<String>) -> Self {
        self.user_agent = Some(prefix.into());
        self
    }

    /// Makes connections by something else than the operating system's sockets. [`ChannelBuilder::tcp`] is not
    /// applied to them.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// Options of TCP connections.
    pub fn tcp(mut self, options: TcpOptions) -> Self {
        self.tcp = options;
        self
    }

    /// The least time one attempt to connect is given, the server's SETTINGS included. Default: 20 s.
    ///
    /// While the backoff is longer than this, an attempt has as long as the backoff.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect.connect_timeout = limit;
        self
    }

    /// The delays between attempts to connect to one endpoint. Default: 1 s, ×1.6, ±20 %, at most 120 s.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.connect.backoff = backoff;
        self
    }

    /// Bytes that a server may send ahead of the reader on one stream. Default: 1 MiB; at most 2^31 - 1.
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.http2.stream_window = bytes;
        self
    }

    /// Bytes that a server may send ahead of the readers on one connection. Default: 4 MiB; at most 2^31 - 1.
    ///
    /// Readers that stop hold their share of it: with four stream windows, four of them stall the connection.
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.http2.connection_window = bytes;
        self
    }

    /// Bytes of response headers and trailers accepted. Default: 16 KiB.
    pub fn max_header_list_size(mut self, bytes: u32) -> Self {
        self.http2.max_header_list_size = bytes;
        self
    }

    /// The largest HTTP/2 frame accepted, in bytes. Default: 16 KiB; from 2^14 to 2^24 - 1.
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.http2.max_frame_size = bytes;
        self
    }

    /// Without a call for so long, the channel closes its connections and goes IDLE; the next call wakes it. `None`
    /// keeps them. Default: 30 min (gRFC A62). Takes effect up to a quarter late.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Makes the channel. No I/O, no runtime needed: the first call or [`Channel::connect`] starts it.
    ///
    /// # Errors
    /// When the target or a setting cannot be used; the error names it.
    pub fn build(mut self) -> Result<Channel, BuildError> {
        self.check_settings()?;
        self.factories.extend(built_in());
        let (target, factory) = self.resolve_target()?;
        let authority = self
            .authority
            .or_else(|| factory.default_authority(&target))
            .unwrap_or_else(|| target.default_authority());
        let mut observers = Observers::default();
        observers.add(Arc::new(Log::new(&target.to_string())));
        observers.extend(self.observers);
        let tcp = self.tcp;
        Ok(Channel::new(Config {
            factory,
            refresh: self.refresh,
            scheme: Scheme::HTTP,
            authority: Authority::try_from(&*authority).map_err(|_| BuildError::Authority { authority })?,
            user_agent: user_agent(self.user_agent)?,
            wait_for_ready: self.wait_for_ready,
            connect: self.connect,
            connector: self.connector.unwrap_or_else(|| Arc::new(Sockets { tcp })),
            http2: self.http2,
            idle_timeout: self.idle_timeout,
            observers,
            target,
        }))
    }

    /// Makes the channel and waits until it is READY. Dropping the future drops the channel.
    ///
    /// # Errors
    /// When it cannot be built, or before it is READY enters TRANSIENT_FAILURE.
    pub async fn connect(self) -> Result<Channel, ConnectError> {
        let channel = self.build()?;
        channel.ready().await?;
        Ok(channel)
    }

    fn check_settings(&self) -> Result<(), BuildError> {
        let settings = self.http2;
        let windows = [
            ("initial_stream_window_size", settings.stream_window),
            ("initial_connection_window_size", settings.connection_window),
        ];
        for (setting, value) in windows {
            if value == 0 || value > MAX_WINDOW {
                return Err(BuildError::Setting { setting, value, bounds: "from 1 to 2^31 - 1" });
            }
        }
        if !FRAME_SIZES.contains(&settings.max_frame_size) {
            let (setting, value) = ("max_frame_size", settings.max_frame_size);
            return Err(BuildError::Setting { setting, value, bounds: "from 2^14 to 2^24 - 1" });
        }
        Ok(())
    }

    /// Finds the target's resolver and lets it look at the target once, so that a bad one fails here.
    fn resolve_target(&self) -> Result<(Target, Arc<dyn ResolverFactory>), BuildError> {
        let fail = |error| BuildError::Target { target: self.target.clone(), error };
        let find = |scheme: &str| self.factories.iter().find(|factory| factory.scheme() == scheme);
        let target = Target::parse(&self.target, |scheme| find(scheme).is_some()).map_err(fail)?;
        let Some(factory) = find(target.scheme()) else {
            return Err(fail(TargetError::UnknownScheme { scheme: target.scheme().to_owned() }));
        };
        factory.build(&target, &ResolveContext { refresh: self.refresh }).map_err(fail)?;
        Ok((target, Arc::clone(factory)))
    }
}

impl fmt::Debug for ChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBuilder").field("target", &self.target).finish_non_exhaustive()
    }
}

fn user_agent(prefix: Option<String>) -> Result<HeaderValue, BuildError> {
    match prefix {
        None => Ok(HeaderValue::from_static(USER_AGENT)),
        Some(prefix) => HeaderValue::try_from(format!("{prefix} {USER_AGENT}"))
            .map_err(|_| BuildError::UserAgent { user_agent: prefix }),
    }
}

//! Everything a program can set about a channel.

mod connecting;
mod http2;
mod keepalive;
mod sockets;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::Backoff;
#[cfg(feature = "unstable")]
use evenkeel_core::balance::PolicyFactory;
use evenkeel_core::balance::{PolicyChoice, Registry, RoundRobinConfig};
use evenkeel_core::call::Retry;
#[cfg(feature = "unstable")]
use evenkeel_core::call::{RetryPolicy, RetryThrottling};
use evenkeel_core::channel::Settings;
use evenkeel_core::connect;
use evenkeel_core::target::{Target, TargetError};
use http::HeaderValue;
use http::uri::{Authority, Scheme};

use super::channel::Channel;
use super::config::Config;
#[cfg(feature = "tls")]
use super::connect::ClientTls;
use super::connect::{Connector, Sockets, Transport};
use super::error::{BuildError, ConnectError};
use super::resolve::Refresh;
use super::resolve::{ResolveContext, Resolver, ResolverFactory, built_in};
use crate::http2::client::Http2Settings;
use crate::observe::{Log, Observer, Observers};

/// What calls say about who sent them (gRPC over HTTP/2, "User Agents").
const USER_AGENT: &str = concat!("grpc-rust-evenkeel/", env!("CARGO_PKG_VERSION"));

/// The least time an attempt to connect is given (gRPC connection backoff).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The head start of one address of an endpoint before the next is tried beside it (gRFC A61).
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Longer than DNS is behind a Deployment that replaces all its pods at once.
const GRACE_AFTER_LOSS: Duration = Duration::from_secs(5);

/// Fits beside a program's own in 1,024 descriptors, and connects to thousands of pods within seconds.
const MAX_CONNECTION_ATTEMPTS: usize = 256;

/// grpc-go keeps as much.
const RETRY_BUFFER_SIZE: usize = 256 << 10;

/// Without calls for so long, a channel closes its connections (gRFC A62).
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Settings of a [`Channel`] to be. Every one has a default that suits a Service in a Kubernetes cluster.
#[must_use = "a builder does nothing until `build` or `connect`"]
pub struct ChannelBuilder {
    target: String,
    factories: Vec<Arc<dyn ResolverFactory>>,
    refresh: Refresh,
    authority: Option<String>,
    user_agent: Option<String>,
    wait_for_ready: bool,
    timeout: Option<Duration>,
    retry_buffer_size: usize,
    retry: Option<Retry>,
    policies: Registry,
    policy: PolicyChoice,
    connect: Settings,
    connector: Option<Arc<dyn Connector>>,
    sockets: Sockets,
    #[cfg(feature = "tls")]
    tls: Option<ClientTls>,
    http2: Http2Settings,
    idle_timeout: Option<Duration>,
    observers: Observers,
}

impl Channel {
    /// Starts the settings of a channel to `target`, for example `dns:///greeter-headless.default.svc.cluster.local:50051`.
    ///
    /// Built in are `dns`, `passthrough`, `ipv4`, `ipv6`, `unix` and `unix-abstract`; a target without a scheme
    /// means `dns:///target` (gRPC naming).
    pub fn builder(target: impl Into<String>) -> ChannelBuilder {
        ChannelBuilder::new(target.into())
    }
}

impl ChannelBuilder {
    fn new(target: String) -> Self {
        Self {
            target,
            factories: Vec::new(),
            refresh: Refresh::Ttl,
            authority: None,
            user_agent: None,
            wait_for_ready: false,
            timeout: None,
            retry_buffer_size: RETRY_BUFFER_SIZE,
            retry: None,
            policies: Registry::default(),
            policy: RoundRobinConfig::default().into(),
            connect: Settings {
                subchannel: connect::Settings {
                    backoff: Backoff::default(),
                    connect_timeout: CONNECT_TIMEOUT,
                },
                connection_attempt_delay: CONNECTION_ATTEMPT_DELAY,
                grace_after_loss: GRACE_AFTER_LOSS,
                max_connection_attempts: MAX_CONNECTION_ATTEMPTS,
            },
            connector: None,
            sockets: Sockets::default(),
            #[cfg(feature = "tls")]
            tls: None,
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

    /// Bytes of a request stream that are kept until the response begins, beside its first message, so that it can be sent
    /// again where no server has processed it (gRFC A6). A longer one fails with its attempt. Default: 256 KiB.
    ///
    /// A unary request can be sent again however long it is.
    pub fn retry_buffer_size(mut self, bytes: usize) -> Self {
        self.retry_buffer_size = bytes;
        self
    }

    /// Makes calls again that failed with a code that `policy` names, lost connections' UNAVAILABLE included (gRFC A6): every
    /// method's, so it is for channels whose methods all bear being processed twice. Each attempt picks anew, and one
    /// deadline covers them all. `throttling` stops retries while many calls fail; without it, nothing does. Default: only
    /// what no server has seen is made again.
    #[cfg(feature = "unstable")]
    pub fn retry(mut self, policy: RetryPolicy, throttling: impl Into<Option<RetryThrottling>>) -> Self {
        self.retry = Some(Retry { policy, throttling: throttling.into() });
        self
    }

    /// The load-balancing policy: its settings ([`RoundRobinConfig`](crate::balance::RoundRobinConfig),
    /// [`PickFirstConfig`](crate::balance::PickFirstConfig)), or its name (`"pick_first"`). Default: `round_robin`.
    pub fn policy(mut self, policy: impl Into<PolicyChoice>) -> Self {
        self.policy = policy.into();
        self
    }

    /// Adds a load-balancing policy that can be chosen by its name; it wins over a built-in one of that name.
    #[cfg(feature = "unstable")]
    pub fn policy_factory(mut self, factory: impl PolicyFactory) -> Self {
        self.policies.add(Arc::new(factory));
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

    /// Makes connections by something else than the operating system's sockets. [`ChannelBuilder::tcp`] and
    /// [`ChannelBuilder::local_address`] are not applied to them.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// Speaks TLS on every connection, a connector's own too; calls then carry `:scheme` https. Default: plain text.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Makes the channel. No I/O, no runtime needed: the first call or [`Channel::connect`] starts it. Only files that
    /// TLS names, or the platform's roots, are read here.
    ///
    /// # Errors
    /// When the target or a setting cannot be used; the error names it.
    pub fn build(mut self) -> Result<Channel, BuildError> {
        self.check_http2()?;
        self.factories.extend(built_in());
        let (target, factory) = self.find_factory()?;
        // A bad target fails here. Each life of the channel builds its own resolver.
        drop(self.build_resolver(&target, &*factory)?);
        let authority = self
            .authority
            .take()
            .or_else(|| self.tls_authority())
            .or_else(|| factory.default_authority(&target))
            .unwrap_or_else(|| target.default_authority());
        let authority = Authority::try_from(&*authority).map_err(|_| BuildError::Authority { authority })?;
        let (scheme, transport) = self.transport(&authority)?;
        let observers = with_log(self.observers, &target);
        Ok(Channel::new(Config {
            factory,
            refresh: self.refresh,
            scheme,
            authority,
            user_agent: user_agent(self.user_agent)?,
            wait_for_ready: self.wait_for_ready,
            timeout: self.timeout,
            retry_buffer_size: self.retry_buffer_size,
            retry: self.retry,
            policy: self.policies.resolve(&self.policy)?,
            connect: self.connect,
            transport,
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

    /// What connects, and what calls then name as their scheme.
    fn transport(&mut self, authority: &Authority) -> Result<(Scheme, Transport), BuildError> {
        let sockets = self.sockets;
        let connector = self.connector.take().unwrap_or_else(|| Arc::new(sockets));
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let tls = Some(Arc::new(tls.for_authority(authority)?));
            return Ok((Scheme::HTTPS, Transport { connector, tls }));
        }
        let _ = authority;
        let plain = Transport {
            connector,
            #[cfg(feature = "tls")]
            tls: None,
        };
        Ok((Scheme::HTTP, plain))
    }

    fn tls_authority(&self) -> Option<String> {
        #[cfg(feature = "tls")]
        return self.tls.as_ref()?.authority();
        #[cfg(not(feature = "tls"))]
        return None;
    }

    /// All that name resolution needs.
    pub(super) fn into_resolver(mut self) -> Result<(Target, Box<dyn Resolver>, Observers), BuildError> {
        self.factories.extend(built_in());
        let (target, factory) = self.find_factory()?;
        let resolver = self.build_resolver(&target, &*factory)?;
        let observers = with_log(self.observers, &target);
        Ok((target, resolver, observers))
    }

    fn find_factory(&self) -> Result<(Target, Arc<dyn ResolverFactory>), BuildError> {
        let find = |scheme: &str| self.factories.iter().find(|factory| factory.scheme() == scheme);
        let target =
            Target::parse(&self.target, |scheme| find(scheme).is_some()).map_err(|error| self.bad(error))?;
        let Some(factory) = find(target.scheme()) else {
            return Err(self.bad(TargetError::UnknownScheme { scheme: target.scheme().to_owned() }));
        };
        Ok((target, Arc::clone(factory)))
    }

    fn build_resolver(
        &self,
        target: &Target,
        factory: &dyn ResolverFactory,
    ) -> Result<Box<dyn Resolver>, BuildError> {
        let context = ResolveContext::new(self.refresh);
        factory.build(target, &context).map_err(|error| self.bad(error))
    }

    fn bad(&self, error: TargetError) -> BuildError {
        BuildError::Target { target: self.target.clone(), error }
    }
}

impl fmt::Debug for ChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBuilder").field("target", &self.target).finish_non_exhaustive()
    }
}

/// `tracing` hears of everything first.
fn with_log(others: Observers, target: &Target) -> Observers {
    let mut observers = Observers::default();
    observers.add(Arc::new(Log::new(&target.to_string())));
    observers.extend(others);
    observers
}

fn user_agent(prefix: Option<String>) -> Result<HeaderValue, BuildError> {
    match prefix {
        None => Ok(HeaderValue::from_static(USER_AGENT)),
        Some(prefix) => HeaderValue::try_from(format!("{prefix} {USER_AGENT}"))
            .map_err(|_| BuildError::UserAgent { user_agent: prefix }),
    }
}

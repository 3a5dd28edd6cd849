//! From settings to a server that listens.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use evenkeel_core::serve::ServerLife;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};
use tonic::codegen::StdError as BoxError;
use tonic::transport::server::Connected;

use super::admission::Admission;
use super::builder::{ServerBuilder, Settings};
use super::connection::ConnectionSettings;
use super::error::BindError;
use super::handler::{HealthFirst, ServerLayer};
use super::health::{HEALTH, HealthControl, health};
use super::incoming::{Incoming, OwnIncoming, TcpIncoming, UnixIncoming};
use super::lifecycle::ServerHandle;
use super::listen::{listen_tcp, listen_unix};
use super::routed::Routed;
use super::serve::BoundServer;
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use crate::http2::bounds::{FRAME_SIZES, LARGEST_WINDOW};

impl<L: ServerLayer> ServerBuilder<L> {
    /// Listens on a TCP address: `ip:port`, or `name:port`, where the first of the name's addresses that works is taken.
    /// Port 0 picks a free one. `[::]` is IPv6 and IPv4; where the kernel has no IPv6 it is IPv4 alone, which is
    /// logged and seen in [`BoundServer::local_addr`].
    ///
    /// # Errors
    /// When the address or a setting cannot be used, TLS and its files included, or when there is no service.
    pub async fn bind<A: ToSocketAddrs + Display>(self, address: A) -> Result<BoundServer, BindError> {
        self.bind_all([address]).await
    }

    /// Listens on several TCP addresses, each as [`ServerBuilder::bind`] does: one server, one drain.
    ///
    /// # Errors
    /// As [`ServerBuilder::bind`], and when there is no address. If one address cannot be used, none is listened on.
    pub async fn bind_all<I>(self, addresses: I) -> Result<BoundServer, BindError>
    where
        I: IntoIterator,
        I::Item: ToSocketAddrs + Display,
    {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(listen_tcp(address).await?);
        }
        if listeners.is_empty() {
            return Err(BindError::NoAddress);
        }
        let options = self.settings.tcp;
        self.bound(TcpIncoming::new(listeners, options))
    }

    /// Serves on a listener that the program has opened.
    ///
    /// # Errors
    /// When a setting cannot be used, or when there is no service.
    pub fn listener(self, listener: TcpListener) -> Result<BoundServer, BindError> {
        let options = self.settings.tcp;
        self.bound(TcpIncoming::new(vec![listener], options))
    }

    /// Listens on a Unix-domain socket. A socket file that a server which is gone left behind is replaced; the file is
    /// removed when the server stops listening.
    ///
    /// # Errors
    /// When the path or a setting cannot be used, or when there is no service.
    pub async fn bind_unix(self, path: impl AsRef<Path>) -> Result<BoundServer, BindError> {
        let (listener, file) = listen_unix(path.as_ref()).await?;
        self.bound(UnixIncoming { file, listener })
    }

    /// Serves connections of the program's own: from memory, from a proxy, under its own TLS. When the stream ends,
    /// what is connected is served on until a drain.
    ///
    /// # Errors
    /// When a setting cannot be used, or when there is no service.
    pub fn bind_incoming<I, IO, E>(self, connections: I) -> Result<BoundServer, BindError>
    where
        I: Stream<Item = Result<IO, E>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.bound(OwnIncoming(Box::pin(connections)))
    }

    fn bound(self, incoming: impl Incoming + 'static) -> Result<BoundServer, BindError> {
        self.settings.check()?;
        let Self { layer, services, settings } = self;
        #[cfg(feature = "tls")]
        let tls = settings.tls.as_ref().map(ServerTls::rustls_config).transpose()?;
        let routed = Routed::new(&services.routes);
        if routed.is_empty() && services.added_health.is_none() {
            return Err(BindError::NoService);
        }
        let own = services.added_health.is_none() && settings.health_service && !routed.has_own(HEALTH);
        let health = own.then(|| health(routed));
        let mut handler = layer.around(services.routes.prepare()).0;
        if let Some(first) = services.added_health.or_else(|| health.as_ref().map(HealthControl::service)) {
            handler = Box::new(HealthFirst::new(first, handler));
        }
        let (handle, wishes) = ServerHandle::new();
        Ok(BoundServer {
            incoming: Box::new(incoming),
            handler,
            admission: Admission::new(settings.admission),
            settings: Arc::new(ConnectionSettings {
                http2: settings.http2,
                limits: settings.limits,
                handshake_timeout: settings.handshake_timeout,
                call_timeout: settings.timeout,
                observers: Arc::new(settings.observers),
                #[cfg(feature = "tls")]
                tls,
            }),
            health,
            life: ServerLife::new(settings.lame_duck, settings.drain_timeout),
            handle,
            wishes,
        })
    }
}

impl<L> ServerBuilder<L> {
    /// Without TLS, whatever was set.
    #[cfg_attr(not(feature = "tls"), allow(unused_mut, reason = "nothing else is to be changed"))]
    pub(crate) fn in_plain_text(mut self) -> Self {
        #[cfg(feature = "tls")]
        {
            self.settings.tls = None;
        }
        self
    }
}

impl Settings {
    fn check(&self) -> Result<(), BindError> {
        for (setting, value) in [
            ("initial_stream_window_size", self.http2.stream_window),
            ("initial_connection_window_size", self.http2.connection_window),
        ] {
            if value == 0 || value > LARGEST_WINDOW {
                let allowed = "1 to 2147483647 bytes";
                return Err(BindError::Setting { setting, value: value.into(), allowed });
            }
        }
        let limits = self.admission;
        let must_be_more = [
            ("max_concurrent_streams", self.http2.max_concurrent_streams.map_or(1, u64::from)),
            ("max_header_list_size", self.http2.max_header_list_size.into()),
            ("max_connections", limits.max_connections as u64),
            ("max_calls", limits.max_calls as u64),
            ("memory_budget", limits.memory_budget as u64),
        ];
        if let Some((setting, value)) = must_be_more.into_iter().find(|(_, value)| *value == 0) {
            return Err(BindError::Setting {
                setting,
                value,
                allowed: "at least 1, or no call is ever served",
            });
        }
        match self.http2.max_frame_size {
            Some(size) if !FRAME_SIZES.contains(&size) => Err(BindError::Setting {
                setting: "max_frame_size",
                value: size.into(),
                allowed: "16384 to 16777215 bytes",
            }),
            _ => Ok(()),
        }
    }
}

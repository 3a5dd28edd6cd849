//! What a program says about a channel's sockets and time, and what it can ask back.

use std::net::IpAddr;
use std::time::Duration;

use super::ChannelBuilder;
use crate::client::connect::TcpOptions;

impl ChannelBuilder {
    /// How long a call may wait for its response to begin; it then ends with DEADLINE_EXCEEDED. A unary call's response
    /// begins when its handler is done; a stream that has begun lives on. Waiting for a connection and retries count.
    /// Default: no limit but each call's own.
    ///
    /// The server is not told. `tonic::Request::set_timeout` is a deadline for one whole call, body included, and the
    /// server is told; with both, the one that ends sooner holds until the response begins.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Options of TCP connections.
    pub fn tcp(mut self, options: TcpOptions) -> Self {
        self.sockets.tcp = options;
        self
    }

    /// The address of this host that TCP connections come from. Endpoints of the other family cannot be reached then;
    /// the attempt says so. Default: the system's choice.
    pub fn local_address(mut self, address: Option<IpAddr>) -> Self {
        self.sockets.local_address = address;
        self
    }

    /// The target as it was given.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What [`ChannelBuilder::timeout`] was set to.
    pub fn get_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// What [`ChannelBuilder::connect_timeout`] is.
    pub fn get_connect_timeout(&self) -> Duration {
        self.connect.subchannel.connect_timeout
    }

    /// What [`ChannelBuilder::tcp`] is.
    pub fn get_tcp(&self) -> TcpOptions {
        self.sockets.tcp
    }

    /// What [`ChannelBuilder::local_address`] was set to.
    pub fn get_local_address(&self) -> Option<IpAddr> {
        self.sockets.local_address
    }
}

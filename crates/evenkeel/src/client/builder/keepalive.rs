//! Settings of how a channel finds out that a server is gone, or hangs.

use std::time::Duration;

use super::ChannelBuilder;

impl ChannelBuilder {
    /// How long a call waits for a server from which nothing at all comes, before the server is asked by an HTTP/2 PING.
    /// Default: 1 s; zero: it is not asked.
    ///
    /// A process that hangs keeps its sockets, and TCP sees nothing wrong. One that does not answer the PING within 1 s
    /// (or four round trips, if that is longer) gets no new calls while there is another endpoint: it is dialled anew,
    /// its running calls go on, and anything that comes from it makes it whole again. After 20 s without a byte the
    /// connection has ended, and its calls are UNAVAILABLE. When all endpoints are suspect, none is. So few PINGs are
    /// sent that no server's policing of them (gRFC A8) is ever met, however strict.
    pub fn suspect_after(mut self, silence: Duration) -> Self {
        self.http2.suspect_after = silence;
        self
    }

    /// HTTP/2 keepalive (gRFC A8): after so long without a byte from the server, a PING, while calls run. Default: none;
    /// held to at least 10 s.
    ///
    /// Servers police it: grpc-go's allow one PING in 5 minutes unless configured otherwise, and end the connection of
    /// who sends more. Each such complaint (`too_many_pings`) doubles the interval for this channel.
    pub fn keepalive_time(mut self, interval: Duration) -> Self {
        self.http2.keepalive.interval = interval;
        self
    }

    /// How long after a PING of [`keepalive_time`](Self::keepalive_time) without a byte a connection has ended. Default:
    /// 20 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.http2.keepalive.timeout = timeout;
        self
    }

    /// Whether [`keepalive_time`](Self::keepalive_time) holds while no call runs, too. Default: no; few servers allow it.
    pub fn keepalive_without_calls(mut self, permit: bool) -> Self {
        self.http2.keepalive.without_calls = permit;
        self
    }
}

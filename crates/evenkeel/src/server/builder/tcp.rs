//! How a server's TCP sockets are set.

use std::time::Duration;

use super::ServerBuilder;

impl<L> ServerBuilder<L> {
    /// Whether accepted sockets send small packets at once. Default: yes; without it, answers wait for ACKs.
    #[must_use]
    pub fn tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.settings.tcp.nodelay = nodelay;
        self
    }

    /// After how long without traffic the kernel probes the peer. `None` turns it off. Default: 10 s.
    #[must_use]
    pub fn tcp_keepalive(mut self, idle: Option<Duration>) -> Self {
        self.settings.tcp.keepalive = idle;
        self
    }

    /// How long after a probe that was not answered the next one follows. `None` leaves it to the system. Default: 5 s.
    #[must_use]
    pub fn tcp_keepalive_interval(mut self, interval: Option<Duration>) -> Self {
        self.settings.tcp.keepalive_interval = interval;
        self
    }

    /// After how many unanswered probes the connection counts as lost. `None` leaves it to the system. Default: 3.
    #[must_use]
    pub fn tcp_keepalive_retries(mut self, retries: Option<u32>) -> Self {
        self.settings.tcp.keepalive_retries = retries;
        self
    }

    /// How long sent data may stay unacknowledged before the connection counts as lost (TCP_USER_TIMEOUT; Linux only).
    /// `None` leaves it to the system. Default: 20 s.
    #[must_use]
    pub fn tcp_user_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.settings.tcp.user_timeout = timeout;
        self
    }
}

//! Settings of how a channel connects, and of how long it stays so.

use std::time::Duration;

use evenkeel_core::backoff::Backoff;

use super::ChannelBuilder;

impl ChannelBuilder {
    /// The least time one attempt to connect is given, the server's SETTINGS included. Default: 20 s.
    ///
    /// While the backoff is longer than this, an attempt has as long as the backoff.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect.subchannel.connect_timeout = limit;
        self
    }

    /// How long calls wait when the channel was READY and has lost its last endpoint. Default: 5 s; zero: they fail as
    /// soon as all that is known has failed, as gRPC has it.
    ///
    /// When all pods are replaced at once, DNS tells of the new ones a moment later. The channel stays CONNECTING, and
    /// asks the resolver at growing distances of 0.1 to 1 s, until an endpoint is READY, all of a list with new ones have
    /// failed, or this time has passed. A call's own deadline holds meanwhile.
    pub fn grace_after_loss(mut self, grace: Duration) -> Self {
        self.connect.grace_after_loss = grace;
        self
    }

    /// The delays between attempts to connect to one endpoint. Default: 1 s, ×1.6, ±20 %, at most 120 s.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.connect.subchannel.backoff = backoff;
        self
    }

    /// How long one address of an endpoint (with `pick_first`: of all endpoints) is tried alone before the next is
    /// tried beside it. Default: 250 ms; held to 100 ms to 2 s (gRFC A61, RFC 8305).
    pub fn connection_attempt_delay(mut self, delay: Duration) -> Self {
        self.connect.connection_attempt_delay = delay;
        self
    }

    /// Without a call for so long, the channel closes its connections and goes IDLE; the next call wakes it. `None`
    /// keeps them, and so does zero. Default: 30 min (gRFC A62). Takes effect up to a quarter late.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How many attempts to connect the channel has under way at once; those over it wait for their turn, in order.
    /// Default: 256; at least one.
    ///
    /// Each attempt holds a descriptor. An attempt's `connect_timeout` and backoff count from its turn.
    pub fn max_connection_attempts(mut self, attempts: usize) -> Self {
        self.connect.max_connection_attempts = attempts;
        self
    }
}

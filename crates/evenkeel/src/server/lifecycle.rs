//! The remote control of a running server, and what it reports in the end.

use std::time::Duration;

use tokio::sync::watch;

/// A running server's remote control. Dropping it changes nothing; clones control the same server.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    wishes: watch::Sender<Wish>,
}

/// What was asked of a server through its handles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// The shortest deadline asked for.
    pub(super) drain: Option<Duration>,
    pub(super) stop: bool,
}

/// What a server's end finished and what it cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Calls answered in the server's whole life, health checks included, of whatever status.
    pub calls_served: u64,
    /// Of those, calls answered after the drain began.
    pub calls_finished: u64,
    /// Calls that were cut by the deadline, by [`ServerHandle::stop`], or by a second signal.
    pub calls_cut: u64,
    /// Connections that went away by themselves after the drain began.
    pub connections_drained: u64,
    /// Connections that were cut, with or without calls on them.
    pub connections_cut: u64,
}

impl ServerHandle {
    pub(super) fn new() -> (Self, watch::Receiver<Wish>) {
        let (wishes, receiver) = watch::channel(Wish::default());
        (Self { wishes }, receiver)
    }

    /// Begins a drain: health NOT_SERVING, then the lame-duck delay, then no more connections and GOAWAY on all;
    /// calls that run may finish until `deadline`, counted from the GOAWAY. The result is what
    /// [`serve`](crate::BoundServer::serve) returns.
    ///
    /// Returns at once. During a drain, a shorter deadline takes the place of a longer one. A server that does not
    /// serve yet drains as soon as it does.
    pub fn drain(&self, deadline: Duration) {
        self.wishes.send_modify(|wish| {
            wish.drain = Some(wish.drain.map_or(deadline, |before| before.min(deadline)));
        });
    }

    /// Ends the server at once, also in the middle of a drain: calls that run are cut, no GOAWAY is sent.
    pub fn stop(&self) {
        self.wishes.send_modify(|wish| wish.stop = true);
    }
}

impl DrainReport {
    /// Whether no call was cut.
    pub fn is_clean(&self) -> bool {
        self.calls_cut == 0
    }
}

//! What happened, told to whoever wants to know: one typed vocabulary, any number of subscribers.

mod calls;
mod connections;
mod dns;
mod log;
mod server;

pub(crate) use calls::Traced;
pub use calls::{AttemptStart, CallEnd, CallStart, CallTracer};
pub(crate) use connections::ConnectionLife;
pub use connections::{ConnectionKey, ConnectionRef, Disconnected, SubchannelKey, Suspected};
pub use dns::{DnsAnswer, DnsQuery, DnsTransport};
pub(crate) use log::Log;
pub use server::{
    AcceptFailed, AcceptedConnection, CloseReason, ClosedConnection, ConnectionToldToGo, ServerEvent,
    ServerObserver, ShutdownStep,
};
pub(crate) use server::{ServerConnectionLife, ServerObservers};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::cause::Cause;
use evenkeel_core::endpoint::{Address, Endpoint};
use evenkeel_core::state::ConnectivityState;

/// Something that happened in a channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The channel's connectivity state changed.
    ChannelState {
        /// The state it left.
        from: ConnectivityState,
        /// The state it entered.
        to: ConnectivityState,
    },
    /// A subchannel's connectivity state changed.
    SubchannelState {
        /// Which subchannel.
        subchannel: SubchannelKey,
        /// Where the subchannel connects to: one address of one endpoint.
        address: Address,
        /// The state it left.
        from: ConnectivityState,
        /// The state it entered.
        to: ConnectivityState,
        /// Why, when it failed or was lost.
        cause: Option<Cause>,
    },
    /// A connection was made: the server's SETTINGS have come.
    Connected(ConnectionRef),
    /// A connection takes no new calls any more.
    Disconnected(Disconnected),
    /// A connection that takes no new calls has come to its end, with the last of its calls or before.
    ConnectionClosed(ConnectionRef),
    /// The server of a connection may hang.
    Suspected(Suspected),
    /// A suspect has proven to be alive.
    Trusted(ConnectionRef),
    /// A server asked the channel to go away from one of its connections (HTTP/2 GOAWAY).
    GoAway {
        /// The connection's peer.
        address: Arc<Address>,
        /// The frame's error code.
        code: u32,
        /// The frame's debug data as text, for example `max_age`.
        debug: Arc<str>,
    },
    /// The `dns:` resolver asked a server.
    DnsQuery(DnsQuery),
    /// The resolver was asked for a fresh answer.
    RefreshRequested {
        /// No endpoint was READY.
        urgent: bool,
    },
    /// The resolver found the backends.
    Resolved {
        /// All of them.
        endpoints: Arc<[Endpoint]>,
        /// How many are new, and how many left.
        added: usize,
        /// How many left.
        removed: usize,
        /// When the resolver looks again by itself: the effective interval.
        next: Option<Duration>,
    },
    /// The resolver found nothing, or could not ask.
    ResolutionFailed {
        /// What it said.
        error: Arc<str>,
        /// The name has no backend (as opposed to: nobody could be asked).
        absent: bool,
        /// When the resolver tries again by itself.
        next: Option<Duration>,
    },
    /// The load-balancing policy cannot go by what the resolver found, which [`Event::Resolved`] has just told.
    UpdateRejected {
        /// What the policy says.
        reason: Arc<str>,
    },
}

/// A subscriber to events. Called from the channel's own tasks, several at a time, and from a
/// [`Resolution`](crate::Resolution) on its caller's: it must not block. A panic in [`Observer::on_event`] is logged, and
/// goes no further.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Takes note of one event.
    fn on_event(&self, event: &Event);

    /// Whether [`Observer::on_call`] is worth calling. Asked once, when the channel is made: where nobody follows calls,
    /// they cost nothing more.
    fn follows_calls(&self) -> bool {
        false
    }

    /// A call begins, on its caller's task: who wants to know how it goes says with what.
    fn on_call(&self, call: &CallStart<'_>) -> Option<Box<dyn CallTracer>> {
        let _ = call;
        None
    }
}

/// All who want to know about a channel: `tracing`, and whom the program added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers {
    all: Vec<Arc<dyn Observer>>,
    of_calls: Vec<Arc<dyn Observer>>,
}

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        if observer.follows_calls() {
            self.of_calls.push(Arc::clone(&observer));
        }
        self.all.push(observer);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.all.extend(others.all);
        self.of_calls.extend(others.of_calls);
    }

    fn trace(&self, call: &CallStart<'_>) -> Vec<Box<dyn CallTracer>> {
        self.of_calls.iter().filter_map(|observer| observer.on_call(call)).collect()
    }

    pub(crate) fn tell(&self, event: &Event) {
        for observer in &self.all {
            survive(event, "an observer panicked; the channel goes on", || observer.on_event(event));
        }
    }
}

/// An observer that panics must not end what it observes. Nor must a subscriber of `tracing`, which is one, too.
fn survive(event: &impl fmt::Debug, complaint: &str, tell: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(tell)).is_err() {
        let _ = catch_unwind(AssertUnwindSafe(|| tracing::error!(?event, "{complaint}")));
    }
}

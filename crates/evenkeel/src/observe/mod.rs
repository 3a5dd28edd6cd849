//! What happened, told to whoever wants to know: any number of subscribers. The vocabulary is core's (`event`).

mod calls;
mod connections;
mod log;
mod server;

pub(crate) use calls::Traced;
pub use calls::{AttemptStart, CallEnd, CallStart, CallTracer};
pub(crate) use connections::ConnectionLife;
pub(crate) use connections::next_subchannel;
pub(crate) use log::Log;
pub use server::{
    AcceptFailed, AcceptedConnection, CloseReason, ClosedConnection, ConnectionToldToGo, ServerEvent,
    ServerObserver, ShutdownStep,
};
pub(crate) use server::{ServerConnectionLife, ServerObservers};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evenkeel_core::event::Event;

/// A subscriber to events. Called from the channel's own tasks, several at a time, and from a
/// [`Resolution`](crate::Resolution) on its caller's: it must not block. A panic is logged, and goes no further.
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
        let mut tracers = Vec::new();
        for observer in &self.of_calls {
            let follow = || tracers.extend(observer.on_call(call));
            survive(call, "an observer panicked; the call goes on", follow);
        }
        tracers
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

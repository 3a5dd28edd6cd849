//! Signals that end a server.

use std::future::{Future, IntoFuture, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells a server when to drain, and, if it can fire again, when to end at once.
///
/// Every future is one: it drains the server when it completes. [`Terminate`] fires again at each further signal.
pub trait ShutdownSignal: Send {
    /// Ready each time the signal fires. Polled on after it fired only if [`ShutdownSignal::fires_again`].
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether it may be polled after it fired once. Default: no.
    fn fires_again(&self) -> bool {
        false
    }
}

/// SIGTERM (Kubernetes, systemd) or SIGINT (Ctrl-C): see [`terminate`].
#[derive(Debug, Default)]
pub struct Terminate {
    signals: Option<[Signal; 2]>,
    broken: bool,
}

/// Fires at SIGTERM and at SIGINT; given to [`serve_until`](crate::BoundServer::serve_until), the first one drains the
/// server and a second one ends it at once. It can also be awaited.
///
/// The handlers are installed at once when this is called inside a Tokio runtime, otherwise when it is first polled;
/// from then on these signals no longer end the process by themselves, also after this value is dropped. Call it
/// before the server says that it listens: a signal that comes earlier ends the process without a drain.
pub fn terminate() -> Terminate {
    let mut terminate = Terminate::default();
    if Handle::try_current().is_ok() {
        terminate.install();
    }
    terminate
}

impl<F: Future + Send> ShutdownSignal for F {
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx).map(drop)
    }
}

impl ShutdownSignal for Terminate {
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(signals) = self.get_mut().install() else { return Poll::Pending };
        // Both must be polled, so that both wake us.
        let polled = signals.each_mut().map(|signal| signal.poll_recv(cx).is_ready());
        if polled.contains(&true) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn fires_again(&self) -> bool {
        true
    }
}

impl IntoFuture for Terminate {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move { poll_fn(|cx| Pin::new(&mut self).poll_signal(cx)).await })
    }
}

impl Terminate {
    fn install(&mut self) -> Option<&mut [Signal; 2]> {
        if self.signals.is_none() && !self.broken {
            match handlers() {
                Ok(signals) => self.signals = Some(signals),
                Err(error) => {
                    tracing::error!(%error, "no signal handler: SIGTERM will end the process without a drain");
                    self.broken = true;
                }
            }
        }
        self.signals.as_mut()
    }
}

fn handlers() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?])
}

//! One client connection: its handle for calls, and the task that moves its bytes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_core::cause::{Cause, CauseKind};
use evenkeel_core::connect::Step;
use evenkeel_core::endpoint::Address;
use h2::client::SendRequest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::timeout;

use super::causes::{cause_of, describe_io, describe_opening, kind_of_io};
use super::link::Link;
use super::settings::Http2Settings;
use super::upload::Uploads;
use super::watch::Watch;
use crate::clock::Clock;
use crate::http2::wire::{GoAwayFrame, Wire, WireControl, WireFacts};

/// How long the last frames of a connection may take to leave.
const LINGER: Duration = Duration::from_secs(1);

const NO_ERROR: u32 = 0;

const CLOSED_BY_PEER: &str = "the peer closed it";

/// A connection as its calls see it. When the last handle and the last stream are gone, the connection closes.
pub(crate) struct Connection {
    send: SendRequest<Bytes>,
    link: Arc<Link>,
}

/// A connection whose server has sent its SETTINGS.
pub(crate) struct Established<IO> {
    pub(crate) connection: Arc<Connection>,
    pub(crate) task: ConnectionTask<IO>,
}

/// The half of a connection that moves bytes. Dropping it closes the socket and fails every stream.
pub(crate) struct ConnectionTask<IO> {
    driver: Driver<IO>,
    link: Arc<Link>,
    watch: Watch,
    /// Nobody is there: its streams have no end to wait for.
    is_dead: bool,
}

/// What is thought of a connection's server.
#[derive(Debug)]
pub(crate) enum Trust {
    /// It may hang.
    Suspect {
        /// A response has begun on it before.
        served: bool,
        /// Why, in words.
        cause: Cause,
    },
    /// It does not.
    Whole,
}

/// Why a connection takes no new calls.
#[derive(Debug)]
pub(crate) struct EndOfConnection {
    pub(crate) cause: Cause,
    /// The server's GOAWAY, if that is what ended it.
    pub(crate) goaway: Option<GoAwayFrame>,
    /// It was of use: a response began on it, or its server was at work on a call when it said GOAWAY.
    pub(crate) served: bool,
}

struct Driver<IO> {
    h2: h2::client::Connection<Wire<IO>, Bytes>,
    wire: WireControl<IO>,
    facts: Arc<WireFacts>,
    /// Let tasks that are ready queue their frames first, so that one write carries them all.
    yields: bool,
    yielded: bool,
    ended: bool,
}

/// Opens an HTTP/2 connection on `io` and waits for the server's SETTINGS. Dropping the future closes `io`.
///
/// # Errors
/// When the connection ends, or breaks the protocol, before that.
pub(crate) async fn establish<IO>(
    io: IO,
    address: Arc<Address>,
    settings: Http2Settings,
    complaints: u32,
    uploads: &Arc<Uploads>,
) -> Result<Established<IO>, Cause>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let clock = Clock::start();
    let (wire, control, facts) = Wire::client(io, settings.max_header_list_size);
    let (send, h2) = settings.builder().handshake(wire).await.map_err(|error| cause_of(&error))?;
    // With one thread the run queue is walked in order anyway, and going round it once more only costs.
    let yields =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    let mut driver = Driver { h2, wire: control, facts, yields, yielded: false, ended: false };
    poll_fn(|cx| match driver.poll(cx) {
        Poll::Ready(Some(cause)) => Poll::Ready(Err(cause)),
        Poll::Ready(None) => {
            Poll::Ready(Err(Cause::new(CauseKind::Reset, "the peer closed it before its SETTINGS")))
        }
        Poll::Pending if driver.facts.settings_received() => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
    .map_err(|cause| describe_opening(cause, &driver.facts))?;
    let max_streams = driver.h2.max_concurrent_send_streams();
    let facts = Arc::clone(&driver.facts);
    let watch = Watch::new(settings.liveness(complaints), clock, driver.h2.ping_pong());
    let link = Arc::new(Link::new(address, facts, max_streams, &settings, Arc::clone(uploads)));
    let connection = Arc::new(Connection { send, link: Arc::clone(&link) });
    Ok(Established { connection, task: ConnectionTask { driver, link, watch, is_dead: false } })
}

impl Connection {
    pub(crate) fn address(&self) -> &Arc<Address> {
        self.link.address()
    }

    /// Whether new calls may use it. May turn false at any moment; a call that comes too late is never sent.
    pub(crate) fn is_usable(&self) -> bool {
        !self.link.is_retired()
    }

    /// Sends those who wait for a stream on it elsewhere, and whoever comes to wait; or takes that back.
    pub(crate) fn set_aside(&self, is_aside: bool) {
        self.link.set_aside(is_aside);
    }

    /// Waits until it is set aside. Cancel-safe.
    pub(crate) async fn until_set_aside(&self) {
        self.link.until_set_aside().await;
    }

    /// Whether a call has to wait long for a stream on it, and none had to before.
    pub(crate) fn is_first_long_wait(&self) -> bool {
        self.link.is_first_long_wait()
    }

    /// The streams that are open on it.
    pub(crate) fn streams(&self) -> usize {
        self.link.quota().in_use()
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.send.clone()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("link", &self.link).finish_non_exhaustive()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ConnectionTask<IO> {
    /// Runs until the connection takes no new calls; `tell` hears when its server may hang, and when it does not. Call
    /// [`ConnectionTask::finish`] afterwards.
    pub(crate) async fn serve(&mut self, tell: impl Fn(Trust)) -> EndOfConnection {
        let Self { driver, link, watch, is_dead } = self;
        let (cause, goaway) = {
            let mut exhausted = std::pin::pin!(link.exhausted());
            poll_fn(|cx| {
                let polled = driver.poll(cx);
                // First, since an idle connection ends in the same moment.
                if let Some(goaway) = driver.facts.goaway() {
                    let text = format!("{} said {}", link.address(), link.describe_goaway());
                    let cause = Cause::new(CauseKind::GoAway(goaway.code), text);
                    return Poll::Ready((cause, Some(goaway)));
                }
                if let Poll::Ready(cause) = polled {
                    let cause = cause.unwrap_or_else(|| Cause::new(CauseKind::Reset, CLOSED_BY_PEER));
                    let text = link.describe_loss(cause.text());
                    return Poll::Ready((Cause::new(cause.kind(), text), None));
                }
                link.quota().set_max(driver.h2.max_concurrent_send_streams());
                if let Some(cause) = watch_over(watch, link, &tell, cx) {
                    *is_dead = true;
                    return Poll::Ready((cause, None));
                }
                if exhausted.as_mut().poll(cx).is_ready() {
                    let text = format!("connection to {} takes no more streams", link.address());
                    return Poll::Ready((Cause::new(CauseKind::Shutdown, text), None));
                }
                Poll::Pending
            })
            .await
        };
        link.retire();
        // A server that ends a connection in good order while it works on a call has not failed us, though the call's
        // response is still to come.
        let at_work = goaway.as_ref().is_some_and(|goaway| {
            goaway.code == NO_ERROR && goaway.last_stream_id > 0 && link.facts().highest_headers_started() > 0
        });
        EndOfConnection { cause, goaway, served: at_work || link.has_served() }
    }

    /// Lets the streams that are still open come to their end, then closes the connection.
    pub(crate) async fn finish(mut self) {
        if self.is_dead {
            return;
        }
        if !self.driver.ended {
            poll_fn(|cx| self.driver.poll(cx)).await;
        }
        // The last frames; a peer that does not read them cannot hold the task for long.
        let _ = timeout(LINGER, poll_fn(|cx| self.driver.wire.poll_drain(cx))).await;
    }
}

/// Tells what is thought of the server; returns why the connection has to end, if it has.
fn watch_over(watch: &mut Watch, link: &Link, tell: impl Fn(Trust), cx: &mut Context<'_>) -> Option<Cause> {
    watch.look(link, cx);
    while let Some(step) = watch.next_step(cx) {
        match step {
            Step::Suspect => {
                let address = link.address();
                let text =
                    format!("{address} is silent, PING included, while calls wait: its process may hang");
                let cause = Cause::new(CauseKind::TimedOut, text);
                tell(Trust::Suspect { served: link.has_served(), cause });
            }
            Step::Trust => tell(Trust::Whole),
            Step::End => {
                link.give_up("nothing came for long after a PING (HTTP/2 keepalive)".into());
                return Some(Cause::new(CauseKind::TimedOut, link.describe_loss("")));
            }
            Step::Ping => {}
        }
    }
    None
}

impl<IO> Drop for ConnectionTask<IO> {
    fn drop(&mut self) {
        // Also where its poll panicked: no call may find it usable.
        self.link.retire();
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO> {
    /// Moves bytes both ways; Ready when the connection is over, with the cause unless it ended in good order.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Cause>> {
        if self.yields && !std::mem::replace(&mut self.yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.yielded = false;
        let polled = Pin::new(&mut self.h2).poll(cx);
        let drained = self.wire.poll_drain(cx);
        let cause = match (polled, drained) {
            (Poll::Ready(result), _) => result.err().map(|error| cause_of(&error)),
            (Poll::Pending, Poll::Ready(Err(error))) => {
                Some(Cause::new(kind_of_io(&error), describe_io(&error)))
            }
            (Poll::Pending, _) => return Poll::Pending,
        };
        self.ended = true;
        Poll::Ready(cause)
    }
}

//! One attempt to connect and the life of the connection it led to, as one task.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel_core::balance::SubchannelId;
use evenkeel_core::channel::AttemptId;
use evenkeel_core::endpoint::{Address, Endpoint};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::Io;
use super::transport::{Transport, late};
use crate::http2::client::{
    Connection, EndOfConnection, Established, Http2Settings, Trust, Uploads, establish, is_complaint,
};

/// What an attempt tells the driver.
#[derive(Debug)]
pub(in crate::client) enum LinkEvent {
    Connected(Arc<Connection>),
    Failed(Arc<str>),
    /// What is thought of its server has changed.
    Trust(Trust),
    Ended {
        address: Arc<Address>,
        end: EndOfConnection,
    },
}

/// One attempt: which, where to, until when.
#[derive(Clone, Debug)]
pub(in crate::client) struct Attempt {
    pub(in crate::client) id: SubchannelId,
    pub(in crate::client) attempt: AttemptId,
    pub(in crate::client) endpoint: Endpoint,
    pub(in crate::client) deadline: Instant,
}

/// Where attempts get their sockets from and send their news to.
#[derive(Clone)]
pub(in crate::client) struct Dialler {
    pub(in crate::client) transport: Transport,
    pub(in crate::client) settings: Http2Settings,
    pub(in crate::client) events: mpsc::UnboundedSender<(SubchannelId, AttemptId, LinkEvent)>,
    pub(in crate::client) cut: watch::Receiver<bool>,
    /// How often servers have complained of too many PINGs.
    pub(in crate::client) complaints: Arc<AtomicU32>,
}

/// Tells the driver what becomes of an attempt. A subchannel whose task panics, in a connector, a socket or a
/// certificate's verifier of the program's own, has failed like any other.
struct Report<'a> {
    dialler: &'a Dialler,
    attempt: &'a Attempt,
    connected: Option<Arc<Address>>,
    /// Nothing more is to come.
    is_told: bool,
}

impl Report<'_> {
    fn tell(&self, event: LinkEvent) {
        // The driver is gone when the channel is: nobody is left to be told.
        let _ = self.dialler.events.send((self.attempt.id, self.attempt.attempt, event));
    }

    fn end(&mut self, event: LinkEvent) {
        self.is_told = true;
        self.tell(event);
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if self.is_told || !std::thread::panicking() {
            return;
        }
        self.tell(match self.connected.clone() {
            Some(address) => {
                let cause = format!("the task of the connection to {address} panicked").into();
                LinkEvent::Ended { address, end: EndOfConnection { cause, goaway: None, served: false } }
            }
            None => {
                let to = self.attempt.endpoint.addresses().first().map(ToString::to_string);
                let to = to.unwrap_or_default();
                LinkEvent::Failed(format!("connecting to {to} failed: its task panicked").into())
            }
        });
    }
}

impl Dialler {
    /// Connects, reports, and moves the connection's bytes until its last stream has ended or the channel is cut.
    ///
    /// Dropping the future closes the connection at once.
    pub(in crate::client) async fn run(self, attempt: Attempt) {
        let mut cut = self.cut.clone();
        let cut = async move {
            if cut.wait_for(|cut| *cut).await.is_err() {
                // The channel is gone without having been cut: calls that still run come to their end.
                std::future::pending::<()>().await;
            }
        };
        let uploads = Arc::default();
        tokio::select! {
            () = cut => {}
            () = self.dial(attempt, &uploads) => {}
        }
        // They end with the connection, and hold what is the program's: whoever waits for this waits for that.
        uploads.ended().await;
    }

    async fn dial(&self, attempt: Attempt, uploads: &Arc<Uploads>) {
        let mut report = Report { dialler: self, attempt: &attempt, connected: None, is_told: false };
        match self.connect(&attempt.endpoint, attempt.deadline, uploads).await {
            Err(cause) => report.end(LinkEvent::Failed(cause.into())),
            Ok(Established { connection, mut task }) => {
                let address = Arc::clone(connection.address());
                report.connected = Some(Arc::clone(&address));
                report.tell(LinkEvent::Connected(connection));
                let end = task.serve(|trust| report.tell(LinkEvent::Trust(trust))).await;
                if end.goaway.as_ref().is_some_and(is_complaint) {
                    self.complaints.fetch_add(1, Ordering::Relaxed);
                }
                report.end(LinkEvent::Ended { address, end });
                task.finish().await;
            }
        }
    }

    /// Tries the endpoint's addresses one after another.
    async fn connect(
        &self,
        endpoint: &Endpoint,
        deadline: Instant,
        uploads: &Arc<Uploads>,
    ) -> Result<Established<Box<dyn Io>>, String> {
        let mut failures = String::new();
        for address in endpoint.addresses() {
            let failure = match self.connect_to(address, deadline, uploads).await {
                Ok(established) => return Ok(established),
                Err(failure) => failure,
            };
            let separator = if failures.is_empty() { "" } else { "; " };
            // Writing to a String cannot fail.
            let _ = write!(failures, "{separator}connecting to {address} failed: {failure}");
        }
        if failures.is_empty() {
            failures.push_str("the endpoint has no address");
        }
        Err(failures)
    }

    async fn connect_to(
        &self,
        address: &Address,
        deadline: Instant,
        uploads: &Arc<Uploads>,
    ) -> Result<Established<Box<dyn Io>>, String> {
        let started = Instant::now();
        let io = self.transport.connect(address, deadline).await?;
        let complaints = self.complaints.load(Ordering::Relaxed);
        timeout_at(deadline, establish(io, Arc::new(address.clone()), self.settings, complaints, uploads))
            .await
            .unwrap_or_else(|_| Err(late("HTTP/2 SETTINGS", started)))
    }
}

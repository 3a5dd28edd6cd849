//! One attempt to connect and the life of the connection it led to, as one task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel_core::balance::SubchannelId;
use evenkeel_core::cause::Cause;
use evenkeel_core::channel::AttemptId;
use evenkeel_core::endpoint::Address;
use evenkeel_core::event::{Event, GoAway, SubchannelKey};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::Io;
use super::transport::{Transport, late};
use crate::http2::client::{
    Connection, EndOfConnection, Established, Http2Settings, Trust, Uploads, establish, is_complaint,
};
use crate::observe::{ConnectionLife, Observers};

/// What an attempt tells the driver.
#[derive(Debug)]
pub(in crate::client) enum AttemptEvent {
    Connected {
        connection: Arc<Connection>,
        life: Arc<ConnectionLife>,
    },
    Failed(Cause),
    /// What is thought of its server has changed.
    Trust(Trust),
    Retired(EndOfConnection),
}

/// One attempt: which, where to, until when.
#[derive(Clone, Debug)]
pub(in crate::client) struct Attempt {
    pub(in crate::client) id: SubchannelId,
    pub(in crate::client) attempt: AttemptId,
    pub(in crate::client) subchannel: SubchannelKey,
    pub(in crate::client) address: Address,
    pub(in crate::client) deadline: Instant,
}

/// Where attempts get their sockets from and send their news to.
#[derive(Clone)]
pub(in crate::client) struct Runner {
    pub(in crate::client) transport: Transport,
    pub(in crate::client) settings: Http2Settings,
    pub(in crate::client) events: mpsc::UnboundedSender<(SubchannelId, AttemptId, AttemptEvent)>,
    pub(in crate::client) cut: watch::Receiver<bool>,
    /// How often servers have complained of too many PINGs.
    pub(in crate::client) complaints: Arc<AtomicU32>,
    pub(in crate::client) observers: Observers,
}

/// Tells what becomes of an attempt: the driver, and of a connection's end observers, whatever ends it. A subchannel whose
/// task panics, in a connector, a socket or a certificate's verifier of the program's own, has failed like any other.
struct Report<'a> {
    runner: &'a Runner,
    attempt: &'a Attempt,
    connected: Option<Arc<ConnectionLife>>,
    /// The driver is to hear nothing more.
    is_told: bool,
}

impl Report<'_> {
    fn tell(&self, event: AttemptEvent) {
        // The driver is gone when the channel is: nobody is left to be told.
        let _ = self.runner.events.send((self.attempt.id, self.attempt.attempt, event));
    }

    fn connect(&mut self, connection: Arc<Connection>) {
        let Attempt { subchannel, .. } = *self.attempt;
        let life =
            ConnectionLife::begin(subchannel, Arc::clone(connection.address()), &self.runner.observers);
        self.connected = Some(Arc::clone(&life));
        self.tell(AttemptEvent::Connected { connection, life });
    }

    /// The connection takes no new calls any more.
    fn end_connection(&mut self, end: EndOfConnection) {
        let Runner { observers, complaints, .. } = self.runner;
        if end.goaway.as_ref().is_some_and(is_complaint) {
            complaints.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(life) = &self.connected {
            if let Some(goaway) = &end.goaway {
                let (name, debug) = (life.name().clone(), Arc::clone(&goaway.debug));
                observers.tell(&Event::GoAway(GoAway::new(name, goaway.code, debug)));
            }
            life.disconnect(end.cause.clone(), observers);
        }
        self.end(AttemptEvent::Retired(end));
    }

    fn end(&mut self, event: AttemptEvent) {
        self.is_told = true;
        self.tell(event);
    }

    fn on_panic(&self) {
        let address = &self.attempt.address;
        self.tell(match &self.connected {
            Some(_) => {
                let cause = format!("the task of the connection to {address} panicked").into();
                AttemptEvent::Retired(EndOfConnection { cause, goaway: None, served: false })
            }
            None => AttemptEvent::Failed(format!("connecting to {address} failed: its task panicked").into()),
        });
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if !self.is_told && std::thread::panicking() {
            self.on_panic();
        }
        if let Some(life) = self.connected.take() {
            life.end(&self.runner.observers);
        }
    }
}

impl Runner {
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
        let mut report = Report { runner: self, attempt: &attempt, connected: None, is_told: false };
        match self.connect(&attempt, uploads).await {
            Err(cause) => {
                let text = format!("connecting to {} failed: {cause}", attempt.address);
                report.end(AttemptEvent::Failed(Cause::new(cause.kind(), text)));
            }
            Ok(Established { connection, mut task }) => {
                report.connect(connection);
                let end = task.serve(|trust| report.tell(AttemptEvent::Trust(trust))).await;
                report.end_connection(end);
                task.finish().await;
            }
        }
    }

    async fn connect(
        &self,
        attempt: &Attempt,
        uploads: &Arc<Uploads>,
    ) -> Result<Established<Box<dyn Io>>, Cause> {
        let Attempt { address, deadline, .. } = attempt;
        let started = Instant::now();
        let io = self.transport.connect(address, *deadline).await?;
        let complaints = self.complaints.load(Ordering::Relaxed);
        timeout_at(*deadline, establish(io, Arc::new(address.clone()), self.settings, complaints, uploads))
            .await
            .unwrap_or_else(|_| Err(late("HTTP/2 SETTINGS", started)))
    }
}

//! Everything that happened on a peer's connections, in order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::frame::Frame;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection was made.
    Opened,
    /// The client's preface arrived.
    Preface,
    /// A frame arrived.
    Received(Frame),
    /// A frame was sent.
    Sent(Frame),
    /// Bytes that are no frame of ours were sent.
    SentBytes(usize),
    /// The other side closed its half.
    Ended,
    /// Reading failed: the connection was reset, or what came was not HTTP/2.
    Failed(String),
}

/// An event, where and when.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The connection's number, from 1 in the order of acceptance.
    pub connection: usize,
    /// When it was recorded.
    pub at: Instant,
    /// What happened.
    pub event: Event,
}

/// The record of a peer, shared by all its connections.
#[derive(Clone)]
pub struct Log {
    entries: Arc<Mutex<Vec<Entry>>>,
    changed: Arc<watch::Sender<usize>>,
    start: Instant,
}

impl Event {
    /// Whether the recording side did it itself.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Sent(_) | Self::SentBytes(_))
    }
}

impl Log {
    pub(super) fn new() -> Self {
        Self { entries: Arc::default(), changed: Arc::new(watch::Sender::new(0)), start: Instant::now() }
    }

    /// All entries until now.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The frames received on one connection until now.
    pub fn received(&self, connection: usize) -> Vec<Frame> {
        let entries = self.lock();
        let ours = entries.iter().filter(|entry| entry.connection == connection);
        ours.filter_map(|entry| match &entry.event {
            Event::Received(frame) => Some(frame.clone()),
            _ => None,
        })
        .collect()
    }

    pub(super) fn add(&self, connection: usize, event: Event) {
        self.lock().push(Entry { connection, at: Instant::now(), event });
        self.changed.send_modify(|count| *count += 1);
    }

    /// Wakes when an entry is added after this call.
    pub(super) fn subscribe(&self) -> watch::Receiver<usize> {
        self.changed.subscribe()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.lock().iter() {
            let at = entry.at.duration_since(self.start).as_millis();
            write!(f, "{at:>6} ms  #{} ", entry.connection)?;
            match &entry.event {
                Event::Received(frame) => writeln!(f, "<- {frame:?}")?,
                Event::Sent(frame) => writeln!(f, "-> {frame:?}")?,
                Event::SentBytes(length) => writeln!(f, "-> {length} raw bytes")?,
                other => writeln!(f, "{other:?}")?,
            }
        }
        Ok(())
    }
}

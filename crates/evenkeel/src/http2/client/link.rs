//! What the calls of a connection and the task that moves its bytes tell each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use evenkeel_core::endpoint::Address;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

use super::causes::describe_goaway;
use super::quota::StreamQuota;
use super::settings::Http2Settings;
use super::upload::Uploads;
use crate::http2::wire::WireFacts;

/// A connection's state, shared by its calls and its task.
#[derive(Debug)]
pub(super) struct Link {
    address: Arc<Address>,
    facts: Arc<WireFacts>,
    quota: StreamQuota,
    uploads: Arc<Uploads>,
    /// No stream is to be opened after one with a higher id.
    last_stream_id: u32,
    /// How long a head, or trailers, of a response may be.
    max_header_list: u32,
    /// Takes no new calls.
    retired: AtomicBool,
    /// A response has begun on it.
    served: AtomicBool,
    /// Calls shall go elsewhere for a while.
    set_aside: watch::Sender<bool>,
    /// It was told that calls wait long for a stream.
    long_wait_told: AtomicBool,
    /// The stream ids run out, or `h2` opens no more streams.
    exhausted: Notify,
    /// Why we gave it up, if we did.
    given_up: OnceLock<String>,
}

impl Link {
    pub(super) fn new(
        address: Arc<Address>,
        facts: Arc<WireFacts>,
        max_streams: usize,
        settings: &Http2Settings,
        uploads: Arc<Uploads>,
    ) -> Self {
        Self {
            address,
            facts,
            quota: StreamQuota::new(max_streams),
            uploads,
            last_stream_id: settings.draw_last_stream_id(),
            max_header_list: settings.max_header_list_size,
            retired: AtomicBool::new(false),
            served: AtomicBool::new(false),
            set_aside: watch::Sender::new(false),
            long_wait_told: AtomicBool::new(false),
            exhausted: Notify::new(),
            given_up: OnceLock::new(),
        }
    }

    pub(super) fn address(&self) -> &Arc<Address> {
        &self.address
    }

    pub(super) fn quota(&self) -> &StreamQuota {
        &self.quota
    }

    pub(super) fn uploads(&self) -> &Arc<Uploads> {
        &self.uploads
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    pub(super) fn set_aside(&self, is_aside: bool) {
        self.set_aside.send_replace(is_aside);
    }

    pub(super) async fn until_set_aside(&self) {
        // The sender is in the link that we hold.
        let _ = self.set_aside.subscribe().wait_for(|is_aside| *is_aside).await;
    }

    pub(super) fn is_first_long_wait(&self) -> bool {
        !self.long_wait_told.swap(true, Ordering::Relaxed)
    }

    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn on_stream_opened(&self, id: u32) {
        if id > self.last_stream_id {
            self.exhausted.notify_one();
        }
    }

    /// `h2` opens no more streams here, whatever its reason.
    pub(super) fn on_stream_refused(&self) {
        self.retire();
        self.exhausted.notify_one();
    }

    pub(super) fn on_response(&self) {
        // A load is cheaper than a store on a line that all calls share.
        if !self.has_served() {
            self.served.store(true, Ordering::Relaxed);
        }
    }

    /// Resolves when the stream ids run out, or `h2` opens no more streams.
    pub(super) fn exhausted(&self) -> Notified<'_> {
        self.exhausted.notified()
    }

    pub(super) fn facts(&self) -> &WireFacts {
        &self.facts
    }

    /// How long a head, or trailers, of a response may be.
    pub(super) fn max_header_list(&self) -> usize {
        self.max_header_list as usize
    }

    /// The peer's GOAWAY in words.
    pub(super) fn describe_goaway(&self) -> String {
        match self.facts.goaway() {
            Some(frame) => describe_goaway(&frame),
            None => "no GOAWAY".into(),
        }
    }

    /// What became of the connection, in words; names a GOAWAY that came before, as that is often the reason.
    pub(super) fn describe_loss(&self, cause: &str) -> String {
        let cause = self.given_up.get().map_or(cause, String::as_str);
        let before = match self.facts.goaway_last_id() {
            Some(_) => format!(", after {}", self.describe_goaway()),
            None => String::new(),
        };
        format!("connection to {} lost: {cause}{before}", self.address)
    }

    /// We end it, for this reason: what h2 says of its streams is not why.
    pub(super) fn give_up(&self, cause: String) {
        // There is one end.
        let _ = self.given_up.set(cause);
    }

    /// From now on the connection takes no new calls; those that wait for a stream go elsewhere.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.quota.close();
    }
}

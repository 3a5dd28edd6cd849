//! Waiting for what the other side must do.

use std::time::Duration;

use prost::Message;

use super::connection::RawConnection;
use super::frame::Frame;
use super::headers::Headers;
use super::log::{Event, Log};
use super::message::decode_messages;

/// How long a peer waits for what must happen: long, since it only ever passes in full when a test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

impl RawConnection {
    /// Waits for the first frame that `matches` and was not returned by an `expect` before; it may have arrived
    /// already, and other frames may have come before it. Panics with the whole record when it does not come.
    pub async fn expect(&self, what: &str, matches: impl Fn(&Frame) -> bool) -> Frame {
        self.expect_event(what, |event| match event {
            Event::Received(frame) if matches(frame) => Some(frame.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for the HEADERS of the next request; returns its stream and fields.
    pub async fn expect_request(&self) -> (u32, Headers) {
        let request = |frame: &Frame| frame.headers().is_some_and(|headers| headers.get(":path").is_some());
        match self.expect("a request's HEADERS", request).await {
            Frame::Headers { stream, headers, .. } => (stream, headers),
            other => panic!("not HEADERS: {other:?}"),
        }
    }

    /// Waits for the next HEADERS on `stream`: a response's head or its trailers.
    pub async fn expect_headers(&self, stream: u32) -> Headers {
        let ours = |frame: &Frame| frame.stream() == stream && frame.headers().is_some();
        match self.expect(&format!("HEADERS on stream {stream}"), ours).await {
            Frame::Headers { headers, .. } => headers,
            other => panic!("not HEADERS: {other:?}"),
        }
    }

    /// Waits until the other side has ended `stream` (END_STREAM); returns the messages it sent there.
    pub async fn expect_messages<M: Message + Default>(&self, stream: u32) -> Vec<M> {
        let last = |frame: &Frame| frame.stream() == stream && frame.is_end_stream();
        self.expect(&format!("END_STREAM on stream {stream}"), last).await;
        decode_messages(&self.body(stream))
    }

    /// Waits until `count` whole messages have arrived on `stream`; returns the first `count`.
    pub async fn expect_first_messages<M: Message + Default>(&self, stream: u32, count: usize) -> Vec<M> {
        let enough = || {
            let messages = decode_messages::<M>(&self.body(stream));
            (messages.len() >= count).then_some(messages)
        };
        let mut messages = until(&self.log, &format!("{count} messages on stream {stream}"), enough).await;
        messages.truncate(count);
        messages
    }

    /// Waits for RST_STREAM on `stream`; returns its code.
    pub async fn expect_reset(&self, stream: u32) -> u32 {
        let ours = |frame: &Frame| matches!(frame, Frame::Reset { stream: s, .. } if *s == stream);
        match self.expect(&format!("RST_STREAM on stream {stream}"), ours).await {
            Frame::Reset { code, .. } => code,
            other => panic!("not RST_STREAM: {other:?}"),
        }
    }

    /// Waits for the next GOAWAY; returns its last stream id, code and debug text.
    pub async fn expect_go_away(&self) -> (u32, u32, String) {
        match self.expect("a GOAWAY", |frame| matches!(frame, Frame::GoAway { .. })).await {
            Frame::GoAway { last_stream, code, debug } => {
                (last_stream, code, String::from_utf8_lossy(&debug).into_owned())
            }
            other => panic!("not GOAWAY: {other:?}"),
        }
    }

    /// Waits for a PING that is no ACK; returns its payload.
    pub async fn expect_ping(&self) -> [u8; 8] {
        match self.expect("a PING", |frame| matches!(frame, Frame::Ping { ack: false, .. })).await {
            Frame::Ping { payload, .. } => payload,
            other => panic!("not PING: {other:?}"),
        }
    }

    /// Waits for the ACK of the PING with this payload.
    pub async fn expect_ping_ack(&self, payload: [u8; 8]) {
        self.expect("the ACK of a PING", |frame| *frame == Frame::Ping { ack: true, payload }).await;
    }

    /// Waits until the other side has closed its half, or the connection was reset.
    pub async fn expect_closed(&self) {
        self.expect_event("the end of the connection", |event| {
            matches!(event, Event::Ended | Event::Failed(_)).then_some(())
        })
        .await;
    }

    /// Waits for the first event of this connection that `pick` takes and no `expect` took before.
    async fn expect_event<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        until(&self.log, &format!("connection #{}: {what}", self.number), || {
            let entries = self.log.lock();
            let mut open = self.open.lock().expect("no test panics while it holds this");
            let fresh = entries.iter().enumerate().skip(open.seen);
            let fresh = fresh.filter(|(_, e)| e.connection == self.number && !e.event.is_own());
            let fresh: Vec<usize> = fresh.map(|(index, _)| index).collect();
            open.seen = entries.len();
            open.entries.extend(fresh);
            let picked = |index: &usize| entries.get(*index).and_then(|entry| pick(&entry.event));
            let (place, found) =
                open.entries.iter().enumerate().find_map(|(i, index)| Some((i, picked(index)?)))?;
            open.entries.remove(place);
            Some(found)
        })
        .await
    }
}

/// Waits until `look` finds something, asking again whenever the record grows.
pub(super) async fn until<T>(log: &Log, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut changed = log.subscribe();
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            changed.borrow_and_update();
            if let Some(found) = look() {
                return found;
            }
            changed.changed().await.expect("the log outlives its readers");
        }
    })
    .await;
    found.unwrap_or_else(|_| panic!("in {DEADLINE:?} there was not: {what}\nthe record:\n{log:?}"))
}

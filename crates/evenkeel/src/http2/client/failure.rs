//! What the failure of a stream means: whose fault, which status, and whether the request may be sent again.

use evenkeel_core::call::{Ended, Pushback, from_reset};
use h2::Reason;
use tonic::Status;

use super::causes::{describe, is_complaint};
use super::link::Link;
use super::status::{code_in, status};
use crate::http2::wire::GoAwayFrame;

/// One stream's failure.
#[derive(Debug)]
pub(crate) struct StreamFailure {
    /// How far the request got.
    pub(crate) ended: Ended,
    /// What the caller is told if that is the end of it.
    pub(crate) status: Status,
}

impl StreamFailure {
    /// The server may have acted on the request.
    pub(crate) fn processed(status: Status) -> Self {
        Self { ended: processed(&status), status }
    }

    /// Reads `h2`'s error beside what the wire saw, which knows better how far the stream got.
    pub(super) fn new(error: &h2::Error, stream_id: u32, link: &Link) -> Self {
        let reset = if error.is_reset() && error.is_remote() { error.reason() } else { None };
        if let Some(reason) = reset {
            return Self::reset(reason, link);
        }
        let address = link.address();
        let facts = link.facts();
        // Before the GOAWAY is asked: what never left is not the peer's to refuse, and may be retried without limit.
        let never_sent = stream_id > facts.highest_headers_started();
        if let Some(goaway) = facts.goaway()
            && !never_sent
            && stream_id > goaway.last_stream_id
        {
            let text = format!("{address} refused the call: {}", link.describe_goaway());
            let status = Status::unavailable(text);
            return Self { ended: left_by(&goaway, &status), status };
        }
        let ended = |status| {
            let ended = if never_sent { Ended::NeverSent } else { processed(&status) };
            Self { ended, status }
        };
        if error.is_library() && error.is_reset() && error.reason() == Some(Reason::PROTOCOL_ERROR) {
            // `h2` does not tell the two apart.
            let text = format!(
                "{address} sent a header list far longer than max_header_list_size, or one that HTTP/2 forbids"
            );
            return ended(Status::internal(text));
        }
        if error.is_library() && !error.is_io() {
            let text = format!("{address} broke the HTTP/2 protocol: {error}");
            // A stream of its own can only be broken by its own frames; a connection takes every call with it.
            let status = if error.is_reset() { Status::internal(text) } else { Status::unavailable(text) };
            return ended(status);
        }
        ended(Status::unavailable(link.describe_loss(&describe(error))))
    }

    fn reset(reason: Reason, link: &Link) -> Self {
        let text = format!("{} reset the call's stream: {reason:?}", link.address());
        let status = status(from_reset(reason.into()), text);
        let ended = if reason == Reason::REFUSED_STREAM { Ended::Refused } else { processed(&status) };
        Self { ended, status }
    }
}

/// How far a request got whose stream a GOAWAY did not include.
fn left_by(goaway: &GoAwayFrame, status: &Status) -> Ended {
    match Reason::from(goaway.code) {
        Reason::NO_ERROR => Ended::LeftBehind,
        // One of these requests may be what was too much for the server: it would end the next connection as well. Of
        // PINGs, no request is guilty.
        Reason::ENHANCE_YOUR_CALM if !is_complaint(goaway) => processed(status),
        _ => Ended::Refused,
    }
}

fn processed(status: &Status) -> Ended {
    Ended::Status { code: code_in(status), pushback: Pushback::None }
}

//! What the failure of a stream means: whose fault, which status, and whether the request may be sent again.

use std::io::{self, ErrorKind};

use evenkeel_core::call::{Failure, from_reset};
use evenkeel_core::cause::{Cause, CauseKind};
use h2::Reason;
use tonic::{Code, Status};

use super::link::Link;
use crate::http2::wire::{Foreign, GoAwayFrame, WireFacts};

/// What `h2`'s reader says of an end inside a frame; it has no kind of its own.
const CUT_FRAME: &str = "bytes remaining on stream";

/// The debug data of a GOAWAY that is about keepalive (gRFC A8).
const TOO_MANY_PINGS: &str = "too_many_pings";

/// One stream's failure.
#[derive(Debug)]
pub(crate) struct StreamFailure {
    /// How far the request got.
    pub(crate) failure: Failure,
    /// What the caller is told if that is the end of it.
    pub(crate) status: Status,
}

impl StreamFailure {
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
            let failure = left_by(&goaway);
            return Self { failure, status: Status::unavailable(text) };
        }
        let failure = if never_sent { Failure::NeverSent } else { Failure::MaybeProcessed };
        if error.is_library() && error.is_reset() && error.reason() == Some(Reason::PROTOCOL_ERROR) {
            // `h2` does not tell the two apart.
            let text = format!(
                "{address} sent a header list far longer than max_header_list_size, or one that HTTP/2 forbids"
            );
            return Self { failure, status: Status::internal(text) };
        }
        if error.is_library() && !error.is_io() {
            let text = format!("{address} broke the HTTP/2 protocol: {error}");
            // A stream of its own can only be broken by its own frames; a connection takes every call with it.
            let status = if error.is_reset() { Status::internal(text) } else { Status::unavailable(text) };
            return Self { failure, status };
        }
        Self { failure, status: Status::unavailable(link.describe_loss(&describe(error))) }
    }

    fn reset(reason: Reason, link: &Link) -> Self {
        let failure =
            if reason == Reason::REFUSED_STREAM { Failure::Refused } else { Failure::MaybeProcessed };
        let code = Code::from_i32(from_reset(reason.into()) as i32);
        let text = format!("{} reset the call's stream: {reason:?}", link.address());
        Self { failure, status: Status::new(code, text) }
    }
}

/// Whether a server ends a connection for the PINGs that it got (gRFC A8).
pub(crate) fn is_complaint(goaway: &GoAwayFrame) -> bool {
    Reason::from(goaway.code) == Reason::ENHANCE_YOUR_CALM && &*goaway.debug == TOO_MANY_PINGS
}

/// How far a request got whose stream a GOAWAY did not include.
fn left_by(goaway: &GoAwayFrame) -> Failure {
    match Reason::from(goaway.code) {
        Reason::NO_ERROR => Failure::LeftBehind,
        // One of these requests may be what was too much for the server: it would end the next connection as well. Of
        // PINGs, no request is guilty.
        Reason::ENHANCE_YOUR_CALM if !is_complaint(goaway) => Failure::MaybeProcessed,
        _ => Failure::Refused,
    }
}

/// What a lost connection's error says, in an operator's words.
pub(super) fn describe(error: &h2::Error) -> String {
    error.get_io().map_or_else(|| error.to_string(), describe_io)
}

/// What a socket's error says, in an operator's words.
pub(super) fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => "the peer closed it".into(),
        ErrorKind::ConnectionReset => "the peer reset it".into(),
        ErrorKind::Other if error.to_string() == CUT_FRAME => {
            "the peer closed it in the middle of a frame".into()
        }
        ErrorKind::TimedOut => "the peer's host does not answer any more".into(),
        _ => error.to_string(),
    }
}

/// What kind of end a socket's error is.
pub(crate) fn kind_of_io(error: &io::Error) -> CauseKind {
    match error.kind() {
        ErrorKind::ConnectionRefused => CauseKind::Refused,
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => CauseKind::Reset,
        ErrorKind::Other if error.to_string() == CUT_FRAME => CauseKind::Reset,
        ErrorKind::TimedOut => CauseKind::TimedOut,
        ErrorKind::ConnectionAborted => CauseKind::Aborted,
        _ => CauseKind::Socket,
    }
}

/// What a lost connection's error is, in kind and words.
pub(super) fn cause_of(error: &h2::Error) -> Cause {
    let kind = error.get_io().map_or(CauseKind::Protocol, kind_of_io);
    Cause::new(kind, describe(error))
}

/// A GOAWAY in words.
pub(super) fn describe_goaway(frame: &GoAwayFrame) -> String {
    let code = Reason::from(frame.code);
    if frame.debug.is_empty() {
        format!("GOAWAY {code:?}")
    } else {
        format!("GOAWAY {code:?} ({})", frame.debug)
    }
}

/// Why a server's SETTINGS never came: what it said instead explains more than what `h2` made of that.
pub(super) fn describe_opening(cause: Cause, facts: &WireFacts) -> Cause {
    if let Some(goaway) = facts.goaway() {
        let text = format!("the server said {}", describe_goaway(&goaway));
        return Cause::new(CauseKind::GoAway(goaway.code), text);
    }
    let text = match facts.foreign() {
        Some(Foreign::Http1) => "the server speaks HTTP/1, not HTTP/2".into(),
        Some(Foreign::Tls) => "the server speaks TLS, and this channel does not".into(),
        Some(Foreign::Unknown) => format!("the server does not speak HTTP/2 ({cause})"),
        None => return cause,
    };
    Cause::new(CauseKind::NotHttp2, text)
}

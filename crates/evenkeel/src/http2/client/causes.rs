//! What the end of a connection means, in kind and in an operator's words.

use std::io::{self, ErrorKind};

use evenkeel_core::cause::{Cause, CauseKind};
use h2::Reason;

use crate::http2::wire::{Foreign, GoAwayFrame, WireFacts};

/// What `h2`'s reader says of an end inside a frame; it has no kind of its own.
const CUT_FRAME: &str = "bytes remaining on stream";

/// The debug data of a GOAWAY that is about keepalive (gRFC A8).
const TOO_MANY_PINGS: &str = "too_many_pings";

/// Whether a server ends a connection for the PINGs that it got (gRFC A8).
pub(crate) fn is_complaint(goaway: &GoAwayFrame) -> bool {
    Reason::from(goaway.code) == Reason::ENHANCE_YOUR_CALM && &*goaway.debug == TOO_MANY_PINGS
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

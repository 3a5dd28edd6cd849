//! Why something could not be reached, or was lost.

use std::fmt;
use std::sync::Arc;

/// What kind of thing it was, and what it was in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    kind: CauseKind,
    text: Arc<str>,
}

/// Kinds of causes: for programs, and for labels of metrics. Words are in the [`Cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseKind {
    /// Nobody listens there.
    Refused,
    /// Nothing came in time: no connection, no SETTINGS, or no sign of life later.
    TimedOut,
    /// The peer reset or closed the connection.
    Reset,
    /// The connection was aborted on this side.
    Aborted,
    /// The server said GOAWAY, with this error code of HTTP/2.
    GoAway(u32),
    /// TLS: a certificate, a version, a name.
    Tls,
    /// A peer broke the rules of HTTP/2.
    Protocol,
    /// Whoever listens there does not speak HTTP/2.
    NotHttp2,
    /// Name resolution.
    Resolver,
    /// Nobody wants it any more on this side.
    Shutdown,
    /// Another error of a socket.
    Socket,
    /// None of these.
    Other,
}

impl Cause {
    /// A cause of this kind, in these words.
    pub fn new(kind: CauseKind, text: impl Into<Arc<str>>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Its kind.
    pub fn kind(&self) -> CauseKind {
        self.kind
    }

    /// What it was, in words: for people and logs, not to be parsed.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Of no kind in particular.
impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self::new(CauseKind::Other, text)
    }
}

/// Of no kind in particular.
impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self::new(CauseKind::Other, text)
    }
}

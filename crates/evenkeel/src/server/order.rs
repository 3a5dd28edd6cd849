//! What a server wants of its connections, and what they say in the end.

use std::time::Duration;

/// How long a connection waits, after its last byte is sent, for the peer to close.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// How long a connection whose client has not finished TLS, or not even sent the HTTP/2 preface, may hold up a drain. No call can be on it.
pub(super) const HANDSHAKE_IN_DRAIN: Duration = Duration::from_secs(1);

/// What the server wants of all its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Serve,
    Drain,
    Cut,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By its peer, by an error, or after its last call.
    ByItself,
    /// By order of the server.
    Cut,
}

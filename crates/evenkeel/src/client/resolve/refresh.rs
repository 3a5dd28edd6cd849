//! When names are looked up again.

use std::time::Duration;

/// When a polling resolver (`dns:`) looks its name up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// When the answer's TTL ends (held to 1–30 s, plus up to 15 %), and on connection trouble. The default.
    Ttl,
    /// Only on connection trouble, no sooner than `floor` after the lookup before (grpc-go: 30 s).
    Disconnect {
        /// The least time between two lookups.
        floor: Duration,
    },
    /// At this interval (plus up to 15 %), and on connection trouble.
    Every(Duration),
}

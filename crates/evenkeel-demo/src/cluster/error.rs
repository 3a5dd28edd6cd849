//! What can be wrong with a cluster.

use std::io;

/// Why the cluster could not be had, or was lost.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The system has of 127.0.0.0/8 what was added, and these were not.
    #[error(
        "the addresses 127.x.y.z cannot be bound here ({cause}): this system uses only those that were added. \
         Add them and run the demo again:\n  {commands}"
    )]
    NoLoopback {
        /// What the system said.
        cause: io::Error,
        /// What adds them, for a shell.
        commands: String,
    },
    /// Loopback addresses can be listened on, but nobody is reached there.
    #[error("nobody is reached at 127.x.y.z ({0}): is the loopback interface up (`ip link set lo up`)?")]
    Unreachable(io::Error),
    /// Others listen wherever it was tried.
    #[error("no free block of loopback addresses: {0}")]
    NoFreeBlock(io::Error),
    /// More pods were asked for than the cluster has room for.
    #[error("no room for another pod")]
    Full,
    /// There is no DNS.
    #[error("the DNS server cannot listen: {0}")]
    Dns(io::Error),
    /// There is no ClusterIP.
    #[error("the ClusterIP cannot listen: {0}")]
    ClusterIp(io::Error),
    /// A pod's process cannot be had.
    #[error("{pod} could not be started: {cause}")]
    PodStart {
        /// Its name.
        pod: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A pod has ended, or does not come to listen within 10 s.
    #[error("{pod} did not come up: {words}")]
    PodFailed {
        /// Its name.
        pod: String,
        /// What it said on stderr.
        words: String,
    },
    /// A pod does not say its count, or does not end.
    #[error("{pod} does not answer any more")]
    PodSilent {
        /// Its name.
        pod: String,
    },
}

//! What can go wrong with a server as a whole.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "tls")]
use crate::tls::TlsError;

/// Why a server could not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is not one, or its name has no address.
    #[error(
        "cannot make sense of the address `{address}`: {source}; write it as `ip:port`, for example `[::]:50051`"
    )]
    Address {
        /// The address as it was given.
        address: String,
        /// What the lookup said.
        source: io::Error,
    },
    /// There is nothing to serve.
    #[error(
        "the server has no service: add one with `add_service`, or `add_routes` with at least one route (a fallback is none). The health service that every server has does not count; a server for health alone adds it with `add_service(other.health_service())`"
    )]
    NoService,
    /// There is nowhere to listen.
    #[error("`bind_all` was given no address: give at least one, for example `[::]:50051`")]
    NoAddress,
    /// Something listens there already.
    #[error(
        "the address `{address}` is in use: stop who listens there, or choose another port (0 picks a free one)"
    )]
    InUse {
        /// The address as it was given.
        address: String,
    },
    /// The process may not listen there.
    #[error(
        "not allowed to listen on `{address}`: ports below 1024 need a privilege, a socket file needs write permission for its directory"
    )]
    NotAllowed {
        /// The address as it was given.
        address: String,
    },
    /// The system refused for another reason.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The socket file is in the way.
    #[error("`{}` exists and is in use or not a socket: stop who listens there, or remove it", path.display())]
    PathInUse {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The settings of TLS.
    #[cfg(feature = "tls")]
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// A setting is outside of what HTTP/2 allows.
    #[error("`{setting}` cannot be {value}, but must be {allowed}")]
    Setting {
        /// The builder method's name.
        setting: &'static str,
        /// What it was set to.
        value: u64,
        /// What it may be.
        allowed: &'static str,
    },
}

/// Why a server stopped serving without having been asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The listener is broken for good. A lack of file descriptors or memory is not such an error: it is waited out.
    #[error("cannot accept connections on `{address}` any more: {source}")]
    Accept {
        /// Where the server listened.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn listen(address: &str, source: io::Error) -> Self {
        let address = address.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::PermissionDenied => Self::NotAllowed { address },
            _ => Self::Listen { address, source },
        }
    }
}

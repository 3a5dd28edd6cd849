//! What can be wrong with the settings of TLS.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the settings of TLS cannot be used. Each names the part at fault; none shows what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read the {}: {kind}", named(*part, Some(path)))]
    Unreadable {
        /// What was to be read.
        part: TlsPart,
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A PEM section is cut off or garbled.
    #[error("the {} is damaged PEM", named(*part, path.as_deref()))]
    Damaged {
        /// What was to be read.
        part: TlsPart,
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// There is PEM, or none, but not of the kind that belongs there.
    #[error("the {} holds no {} in PEM{}", named(*part, path.as_deref()), part.wanted(), part.hint())]
    Missing {
        /// What was to be read.
        part: TlsPart,
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// The PEM is well-formed, its content is not.
    #[error("the {} cannot be used: {}", named(*part, path.as_deref()), part.usable())]
    Unusable {
        /// What was read.
        part: TlsPart,
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// A private key belongs to another certificate.
    #[error("the {} does not belong to its certificate (the first one of the chain counts)", named(*part, path.as_deref()))]
    KeyMismatch {
        /// Which key.
        part: TlsPart,
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// The platform trusts nobody, or its roots could not be read.
    #[error("the platform has no root certificates: install its CA bundle, or set the roots")]
    NoPlatformRoots,
    /// The name that a server's certificate must carry is not one.
    #[error(
        "`{name}` cannot be in a certificate: TLS needs a DNS name or an IP address; set the server name"
    )]
    ServerName {
        /// The name: the one set, or the host of the `:authority`.
        name: String,
    },
    /// The `:authority` that was set and the server name that was set differ (as in grpc-go, they may not).
    #[error("the :authority `{authority}` and the server name `{server_name}` must be the same host")]
    NamesDiffer {
        /// The `:authority`.
        authority: String,
        /// The server name.
        server_name: String,
    },
    /// A rustls configuration of the program's own already says this.
    #[error("the {part} cannot be set beside a rustls configuration of one's own: put it in there")]
    OwnConfig {
        /// What was set besides.
        part: TlsPart,
    },
    /// The crypto provider can do neither TLS 1.2 nor TLS 1.3.
    #[error("the crypto provider supports neither TLS 1.2 nor TLS 1.3")]
    Versions,
}

/// A part of the settings of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsPart {
    /// The CAs whose server certificates a client trusts.
    Roots,
    /// The certificate chain that a client shows.
    ClientCertificate,
    /// The client's private key.
    ClientKey,
    /// The certificate chain that a server shows.
    ServerCertificate,
    /// The server's private key.
    ServerKey,
    /// The CAs whose client certificates a server trusts.
    ClientRoots,
}

impl TlsError {
    /// Whether the cause lies in the content of certificates, keys and their files, and not in the program.
    pub fn is_material(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::Damaged { .. }
            | Self::Missing { .. }
            | Self::Unusable { .. }
            | Self::KeyMismatch { .. }
            | Self::NoPlatformRoots => true,
            Self::ServerName { .. } | Self::NamesDiffer { .. } | Self::OwnConfig { .. } | Self::Versions => {
                false
            }
        }
    }
}

impl TlsPart {
    fn is_key(self) -> bool {
        matches!(self, Self::ClientKey | Self::ServerKey)
    }

    fn wanted(self) -> &'static str {
        if self.is_key() { "private key" } else { "certificate" }
    }

    fn hint(self) -> &'static str {
        if self.is_key() { "; an encrypted one has to be decrypted first" } else { "" }
    }

    fn usable(self) -> &'static str {
        if self.is_key() {
            "keys are RSA, ECDSA with P-256 or P-384, or Ed25519"
        } else {
            "not an X.509 certificate"
        }
    }
}

impl fmt::Display for TlsPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Roots => "root certificate",
            Self::ClientCertificate => "client certificate",
            Self::ClientKey => "client key",
            Self::ServerCertificate => "server certificate",
            Self::ServerKey => "server key",
            Self::ClientRoots => "client CA",
        })
    }
}

fn named(part: TlsPart, path: Option<&Path>) -> String {
    path.map_or_else(|| part.to_string(), |path| format!("{part} `{}`", path.display()))
}

//! Certificates and keys in PEM, from memory or from files, read when they are needed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};

use super::error::{TlsError, TlsPart};

/// One PEM text, or the file it is in.
#[derive(Clone)]
pub(crate) enum Pem {
    Text(Arc<[u8]>),
    File(PathBuf),
}

/// Who a side says it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) chain: Pem,
    pub(crate) key: Pem,
    pub(crate) chain_part: TlsPart,
    pub(crate) key_part: TlsPart,
}

impl Pem {
    pub(crate) fn text(pem: &[u8]) -> Self {
        Self::Text(pem.into())
    }

    pub(crate) fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }

    /// Adds the certificates, each as a CA, to `roots`.
    pub(crate) fn add_to(&self, roots: &mut RootCertStore, part: TlsPart) -> Result<(), TlsError> {
        for certificate in self.certificates(part)? {
            let unusable = |_| TlsError::Unusable { part, path: self.path() };
            roots.add(certificate).map_err(unusable)?;
        }
        Ok(())
    }

    fn certificates(&self, part: TlsPart) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read(part)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match certificates {
            Ok(none) if none.is_empty() => Err(TlsError::Missing { part, path: self.path() }),
            Ok(certificates) => Ok(certificates),
            Err(_) => Err(TlsError::Damaged { part, path: self.path() }),
        }
    }

    fn key(&self, part: TlsPart) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read(part)?).map_err(|error| match error {
            PemError::NoItemsFound => TlsError::Missing { part, path: self.path() },
            _ => TlsError::Damaged { part, path: self.path() },
        })
    }

    fn read(&self, part: TlsPart) -> Result<Arc<[u8]>, TlsError> {
        match self {
            Self::Text(text) => Ok(Arc::clone(text)),
            Self::File(path) => match std::fs::read(path) {
                Ok(text) => Ok(text.into()),
                Err(error) => Err(TlsError::Unreadable { part, path: path.clone(), kind: error.kind() }),
            },
        }
    }

    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Text(_) => None,
            Self::File(path) => Some(path.clone()),
        }
    }
}

/// Never shows what is in it.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("PEM"),
            Self::File(path) => path.fmt(f),
        }
    }
}

impl Identity {
    /// Reads the chain and its key, and checks that they belong together.
    pub(crate) fn certified_key(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = self.chain.certificates(self.chain_part)?;
        let key = self.key.key(self.key_part)?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::KeyMismatch { part: self.key_part, path: self.key.path() }
            }
            Error::InvalidCertificate(_) => {
                TlsError::Unusable { part: self.chain_part, path: self.chain.path() }
            }
            _ => TlsError::Unusable { part: self.key_part, path: self.key.path() },
        })
    }
}

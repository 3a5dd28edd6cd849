//! What a program can say about its server's TLS.

mod handshake;

pub(super) use handshake::{Plaintext, handshake};

use std::path::Path;
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};

use crate::tls::{ALPN_H2, Identity, Pem, TlsError, TlsPart, provider};

/// TLS for a server: who it is, and whether clients must say who they are.
///
/// TLS 1.2 or newer, HTTP/2 agreed by ALPN, by rustls. Certificates and keys are PEM; what is in them is read and
/// checked when the server is bound. A handler finds its client's certificates with `tonic::Request::peer_certs`.
#[derive(Clone, Debug)]
#[must_use = "give it to `ServerBuilder::tls`"]
pub struct ServerTls {
    source: Source,
    client_roots: Vec<Pem>,
    client_auth_optional: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Identity(Identity),
    Config(Arc<ServerConfig>),
}

impl ServerTls {
    /// Shows clients a certificate: the chain, the server's own certificate first, and the private key, as PEM texts.
    pub fn pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        Self::identity(Pem::text(chain.as_ref()), Pem::text(key.as_ref()))
    }

    /// The same from two PEM files, which may be one and the same.
    pub fn files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        Self::identity(Pem::file(chain.as_ref()), Pem::file(key.as_ref()))
    }

    /// TLS as a rustls configuration of the program's own says, whatever its crypto provider. Only its list of ALPN
    /// protocols is replaced, by `h2` alone. Beside it, no client CA can be set.
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self::new(Source::Config(config))
    }

    /// Takes only clients that show a certificate which a CA in this PEM text has issued. Can be called several times:
    /// all are trusted. Default: clients show none.
    pub fn client_ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.client_roots.push(Pem::text(pem.as_ref()));
        self
    }

    /// The same from a PEM file.
    pub fn client_ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.client_roots.push(Pem::file(path.as_ref()));
        self
    }

    /// Whether clients without a certificate are taken although there is a client CA; one that is shown must be good in
    /// any case. Default: no.
    pub fn client_auth_optional(mut self, optional: bool) -> Self {
        self.client_auth_optional = optional;
        self
    }

    /// Reads what the settings name.
    pub(super) fn rustls_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = match &self.source {
            Source::Config(_) if !self.client_roots.is_empty() => {
                return Err(TlsError::OwnConfig { part: TlsPart::ClientRoots });
            }
            Source::Config(own) => ServerConfig::clone(own),
            Source::Identity(identity) => self.assemble(identity)?,
        };
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(Arc::new(config))
    }

    fn assemble(&self, identity: &Identity) -> Result<ServerConfig, TlsError> {
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Versions)?;
        let builder = if self.client_roots.is_empty() {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            for pem in &self.client_roots {
                pem.add_to(&mut roots, TlsPart::ClientRoots)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier =
                if self.client_auth_optional { verifier.allow_unauthenticated() } else { verifier };
            let unusable = |_| TlsError::Unusable { part: TlsPart::ClientRoots, path: None };
            builder.with_client_cert_verifier(verifier.build().map_err(unusable)?)
        };
        let key = identity.certified_key(&provider)?;
        Ok(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key))))
    }

    fn identity(chain: Pem, key: Pem) -> Self {
        let (chain_part, key_part) = (TlsPart::ServerCertificate, TlsPart::ServerKey);
        Self::new(Source::Identity(Identity { chain, key, chain_part, key_part }))
    }

    fn new(source: Source) -> Self {
        Self { source, client_roots: Vec::new(), client_auth_optional: false }
    }
}

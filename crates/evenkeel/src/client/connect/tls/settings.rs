//! What a program can say about its channel's TLS.

use std::path::Path;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::Tls;
use super::explain::Explainer;
use super::unverified::Unverified;
use crate::tls::{ALPN_H2, Identity, Pem, TlsError, TlsPart, provider};

/// TLS for a channel: whom it trusts, what name servers must prove, and who it is itself.
///
/// TLS 1.2 or newer, HTTP/2 agreed by ALPN, by rustls. Without further settings, the platform's CAs are trusted, the
/// server must prove the host of the channel's `:authority`, and the channel shows no certificate of its own.
///
/// Certificates and keys are PEM; what is in them is read and checked when the channel is built.
#[derive(Clone, Debug, Default)]
#[must_use = "give it to `ChannelBuilder::tls`"]
pub struct ClientTls {
    roots: Vec<Pem>,
    platform_roots: bool,
    accept_any: bool,
    identity: Option<Identity>,
    server_name: Option<String>,
    config: Option<Arc<ClientConfig>>,
}

impl ClientTls {
    /// TLS with every setting at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// TLS as a rustls configuration of the program's own says, whatever its crypto provider. Only its list of ALPN
    /// protocols is replaced, by `h2` alone. Beside it, only [`ClientTls::server_name`] can be set.
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { config: Some(config), ..Self::default() }
    }

    /// Trusts the CAs in a PEM text, and no longer the platform's. Can be called several times: all are trusted.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(Pem::text(pem.as_ref()));
        self
    }

    /// Trusts the CAs in a PEM file, and no longer the platform's. Can be called several times: all are trusted.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.roots.push(Pem::file(path.as_ref()));
        self
    }

    /// Trusts the platform's CAs also when others are given. Default: only when no others are.
    ///
    /// They are found where OpenSSL looks for them, the variables SSL_CERT_FILE and SSL_CERT_DIR included.
    pub fn platform_roots(mut self, also: bool) -> Self {
        self.platform_roots = also;
        self
    }

    /// Shows servers that ask for it a certificate: the chain, its own certificate first, and the private key, as PEM
    /// texts. Default: none.
    pub fn identity_pem(self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity(Pem::text(chain.as_ref()), Pem::text(key.as_ref()))
    }

    /// The same from two PEM files, which may be one and the same.
    pub fn identity_files(self, chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.identity(Pem::file(chain.as_ref()), Pem::file(key.as_ref()))
    }

    /// The DNS name or IP address that every server's certificate must carry, and the `:authority` of calls unless
    /// [`ChannelBuilder::authority`](crate::ChannelBuilder::authority) says it with a port. Default: the host of the
    /// `:authority`.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Accepts whatever certificate a server shows. The connection is encrypted, but whoever can put themselves between
    /// reads and changes everything: for trying things out only. Roots have no meaning beside it. Default: off.
    pub fn dangerously_accept_any_certificate(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// The `:authority` that calls have unless the channel's builder says another.
    pub(in crate::client) fn authority(&self) -> Option<String> {
        let name = without_final_dot(self.server_name.as_deref()?);
        let is_bare_ipv6 = name.parse::<std::net::Ipv6Addr>().is_ok();
        Some(if is_bare_ipv6 { format!("[{name}]") } else { name.to_owned() })
    }

    /// Reads what the settings name; servers must prove the host of `authority`.
    pub(in crate::client) fn for_authority(&self, authority: &Authority) -> Result<Tls, TlsError> {
        let name = unbracketed(authority.host());
        if let Some(set) = &self.server_name
            && !without_final_dot(unbracketed(set)).eq_ignore_ascii_case(without_final_dot(name))
        {
            let (authority, server_name) = (authority.to_string(), set.clone());
            return Err(TlsError::NamesDiffer { authority, server_name });
        }
        let bare = without_final_dot(name);
        let server_name = ServerName::try_from(bare.to_owned())
            .map_err(|_| TlsError::ServerName { name: name.to_owned() })?;
        let config = self.rustls_config()?;
        let has_identity = config.client_auth_cert_resolver.has_certs();
        Ok(Tls {
            connector: config.into(),
            explainer: Arc::new(Explainer { server_name: bare.to_owned(), has_identity }),
            server_name,
        })
    }

    fn identity(mut self, chain: Pem, key: Pem) -> Self {
        let (chain_part, key_part) = (TlsPart::ClientCertificate, TlsPart::ClientKey);
        self.identity = Some(Identity { chain, key, chain_part, key_part });
        self
    }

    fn rustls_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = match &self.config {
            Some(own) => {
                self.check_nothing_besides()?;
                ClientConfig::clone(own)
            }
            None => self.assemble()?,
        };
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(Arc::new(config))
    }

    fn check_nothing_besides(&self) -> Result<(), TlsError> {
        if !self.roots.is_empty() || self.platform_roots || self.accept_any {
            return Err(TlsError::OwnConfig { part: TlsPart::Roots });
        }
        match &self.identity {
            Some(identity) => Err(TlsError::OwnConfig { part: identity.chain_part }),
            None => Ok(()),
        }
    }

    fn assemble(&self) -> Result<ClientConfig, TlsError> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Versions)?;
        let builder = if self.accept_any {
            let verifier = Arc::new(Unverified(Arc::clone(&provider)));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            builder.with_root_certificates(self.root_store()?)
        };
        Ok(match &self.identity {
            Some(identity) => {
                let key = identity.certified_key(&provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
            None => builder.with_no_client_auth(),
        })
    }

    fn root_store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        for pem in &self.roots {
            pem.add_to(&mut store, TlsPart::Roots)?;
        }
        if self.platform_roots || self.roots.is_empty() {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!(%error, "some of the platform's root certificates cannot be read");
            }
            // Old bundles hold certificates that nobody can use any more.
            let (usable, _) = store.add_parsable_certificates(found.certs);
            if usable == 0 && self.roots.is_empty() {
                return Err(TlsError::NoPlatformRoots);
            }
        }
        Ok(store)
    }
}

/// A final dot keeps a name out of the search list; in certificates names have none.
fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

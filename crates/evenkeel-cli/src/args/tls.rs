//! The flags of TLS.

use std::path::PathBuf;

use evenkeel::{ClientTls, ServerTls};

/// How a load's channel speaks TLS: as soon as any of these is given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS (plain text unless one of these is given)")]
pub(crate) struct ClientTlsArgs {
    /// Speak TLS, trusting the platform's CAs.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Speak TLS, trusting the CAs in this PEM file and no others.
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// Speak TLS and show this certificate chain, in PEM, to servers that ask for one.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Speak TLS with whoever answers: certificates are not checked, and the connection is open to whoever gets
    /// between.
    #[arg(long, conflicts_with = "cacert")]
    pub(crate) insecure: bool,
}

/// How a pod speaks TLS.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS (plain text unless --tls-cert is given)")]
pub(crate) struct ServerTlsArgs {
    /// Speak TLS, showing this certificate chain, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Take only clients with a certificate from a CA in this PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_client_ca: Option<PathBuf>,
}

impl ClientTlsArgs {
    /// `None` is plain text.
    pub(crate) fn settings(&self) -> Option<ClientTls> {
        let is_asked = self.tls || self.insecure || self.cacert.is_some() || self.cert.is_some();
        let mut tls = is_asked.then(ClientTls::new)?;
        if let Some(roots) = &self.cacert {
            tls = tls.ca_file(roots);
        }
        if let (Some(chain), Some(key)) = (&self.cert, &self.key) {
            tls = tls.identity_files(chain, key);
        }
        Some(if self.insecure { tls.dangerously_accept_any_certificate() } else { tls })
    }
}

impl ServerTlsArgs {
    /// `None` is plain text.
    pub(crate) fn settings(&self) -> Option<ServerTls> {
        let tls = ServerTls::files(self.tls_cert.as_ref()?, self.tls_key.as_ref()?);
        Some(match &self.tls_client_ca {
            Some(roots) => tls.client_ca_file(roots),
            None => tls,
        })
    }
}

//! What TLS is made of on both sides: certificates, keys, the crypto provider, and what can be wrong with them.
//!
//! The settings themselves are [`ClientTls`](crate::ClientTls) and [`ServerTls`](crate::ServerTls).

mod error;
mod pem;

pub use error::{TlsError, TlsPart};
/// The version of rustls whose configurations are taken.
pub use rustls;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub(crate) use pem::{Identity, Pem};

/// HTTP/2 by its name in ALPN (RFC 9113 §3.1): nothing else carries gRPC.
pub(crate) const ALPN_H2: &[u8] = b"h2";

/// Named at every use: the process' default provider is the program's business, and with two providers in one
/// dependency tree rustls' own choice panics.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

//! HTTP/2 for both sides: the only place that names `h2`.

pub(crate) mod client;
pub(crate) mod server;
#[allow(dead_code, unused_imports, reason = "each side uses its part")]
pub(crate) mod wire;

//! HTTP/2 for both sides: the only place that names `h2`.

pub(crate) mod bounds;
pub(crate) mod client;
pub(crate) mod content_type;
pub(crate) mod header_list;
pub(crate) mod server;
pub(crate) mod wire;

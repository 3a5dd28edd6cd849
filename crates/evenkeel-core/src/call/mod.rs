//! What happens to this RPC?

mod retry;
mod status;
mod timeout;

pub use retry::{Attempts, Failure, Verdict};
pub use status::{from_http_status, from_reset};
pub use timeout::{InvalidTimeout, format_timeout, parse_timeout};

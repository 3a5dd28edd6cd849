//! What happens to this RPC?

mod attempts;
mod pushback;
mod retry;
mod status;
mod throttling;
mod timeout;

pub use attempts::{Attempts, Ended, Next};
pub use pushback::Pushback;
pub use retry::{InvalidRetry, Retry, RetryPolicy};
pub use status::{from_http_status, from_reset};
pub use throttling::RetryThrottling;
pub use timeout::{InvalidTimeout, format_timeout, parse_timeout};

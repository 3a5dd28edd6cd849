//! The client and the server under test for connectrpc's conformance suite: `conformance-driver client|server`, as its
//! runner starts them. `interop/conformance/run` does.

mod calls;
mod capture;
mod client;
mod convert;
mod server;
mod service;
mod trailers;
mod wire;

/// What the suite's protos make.
#[allow(clippy::all, clippy::too_many_lines, dead_code, unreachable_pub, reason = "generated")]
pub(crate) mod proto {
    tonic::include_proto!("connectrpc.conformance.v1");
}

/// Any failure that is the driver's own, in words.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match std::env::args().nth(1).as_deref() {
        Some("client") => client::run().await,
        Some("server") => server::run().await,
        _ => Err("usage: conformance-driver client|server".into()),
    }
}

//! Generates the suite's stubs from its own protos, which are where `CONFORMANCE_PROTO` says.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-env-changed=CONFORMANCE_PROTO");
    let folder = std::env::var("CONFORMANCE_PROTO")
        .map_err(|_| "CONFORMANCE_PROTO is not set: interop/conformance/run builds this driver")?;
    let files = ["client_compat", "server_compat", "service"]
        .map(|name| format!("connectrpc/conformance/v1/{name}.proto"));
    let descriptors = protox::compile(files, [folder])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}

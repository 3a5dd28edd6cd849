//! The client, `manage-service`: every pod of `school-internal` gets its share of the calls.
//!
//! Try it against two pods: `cargo run -p evenkeel --example manage_service -- ipv4:127.0.0.1:50051,127.0.0.1:50052`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use evenkeel::{CallOptions, Channel, Peer};
use evenkeel_testkit::school::GetSchoolRequest;
use evenkeel_testkit::school::school_client::SchoolClient;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The headless Service's name: it resolves to every ready pod.
    let target =
        std::env::args().nth(1).unwrap_or_else(|| "dns:///school-internal-headless:50051".to_owned());
    let channel = Channel::builder(target).build()?;
    let mut school = SchoolClient::new(channel);
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for id in 1..=10 {
        pace.tick().await;
        let mut request = tonic::Request::new(GetSchoolRequest { id });
        // One deadline for everything: name resolution, connecting, retries, the call.
        request.set_timeout(Duration::from_secs(5));
        request.extensions_mut().insert(CallOptions::new().wait_for_ready(true));
        let response = school.get_school(request).await?;
        let pod = response.extensions().get::<Peer>().map(|peer| peer.address().to_string());
        let name = response.into_inner().school.map(|school| school.name).unwrap_or_default();
        println!("{name} from {}", pod.unwrap_or_default());
    }
    Ok(())
}

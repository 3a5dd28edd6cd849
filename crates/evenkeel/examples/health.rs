//! The standard health service, and the same on a plain-text port of its own for Kubernetes' probes of a server that
//! speaks TLS: `cargo run -p evenkeel --example health`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::time::Duration;

use evenkeel::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The lame duck goes on serving for a while after it says NOT_SERVING.
    let server = Server::builder()
        .lame_duck(Duration::from_secs(3600))
        .add_service(common::Named("pod").into_server())
        .bind("127.0.0.1:0")
        .await?;
    let handle = server.handle();

    // In a pod: "[::]:50052".
    let health = server.health_service().ok_or("the health service is off")?;
    let probes = Server::builder().add_service(health).bind("127.0.0.1:0").await?;
    let target = format!("ipv4:{}", probes.local_addr().ok_or("not on TCP")?);
    tokio::spawn(probes.serve());
    let serving = tokio::spawn(server.serve());

    let mut health = HealthClient::new(Channel::builder(target).build()?);
    show(&mut health).await?;
    handle.drain(Duration::ZERO);
    while status(&mut health, "").await? == "SERVING" {}
    println!("draining:");
    show(&mut health).await?;
    handle.stop();
    serving.await??;
    Ok(())
}

/// The server as a whole, one of its services, and what a liveness probe asks for.
async fn show(health: &mut HealthClient<Channel>) -> Result<(), tonic::Status> {
    for service in ["", "school.v1.School", "grpc.health.v1.Health"] {
        println!("{service:?} is {}", status(health, service).await?);
    }
    Ok(())
}

async fn status(health: &mut HealthClient<Channel>, service: &str) -> Result<&'static str, tonic::Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    Ok(health.check(request).await?.into_inner().status().as_str_name())
}

//! Endpoints that the program itself sets, from whatever source it has: `cargo run -p evenkeel --example manual_resolver`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::net::SocketAddr;

use evenkeel::{Channel, Endpoint, Manual, Server, ServerHandle};
use evenkeel_testkit::school::GetSchoolRequest;
use evenkeel_testkit::school::school_client::SchoolClient;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (one, handle) = serve("one").await?;
    let (two, _handle) = serve("two").await?;

    let endpoints = Manual::new();
    let channel = Channel::builder("manual:///school").resolver(endpoints.clone()).build()?;
    let mut school = SchoolClient::new(channel);

    endpoints.set([Endpoint::from(one)]);
    println!("served by {}", ask(&mut school).await?);

    // Calls move over; the connection that is not needed any more closes when its last call has ended.
    endpoints.set([Endpoint::from(two)]);
    while ask(&mut school).await? != "two" {}
    println!("served by {}", ask(&mut school).await?);
    handle.stop();
    Ok(())
}

async fn ask(school: &mut SchoolClient<Channel>) -> Result<String, tonic::Status> {
    let answer = school.get_school(GetSchoolRequest { id: 7 }).await?.into_inner();
    Ok(answer.school.map(|school| school.name).unwrap_or_default())
}

async fn serve(name: &'static str) -> Result<(SocketAddr, ServerHandle), Box<dyn std::error::Error>> {
    let server = Server::builder().add_service(common::Named(name).into_server()).bind("127.0.0.1:0").await?;
    let address = server.local_addr().ok_or("not on TCP")?;
    let handle = server.handle();
    tokio::spawn(server.serve());
    Ok((address, handle))
}

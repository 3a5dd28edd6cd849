//! Connections of the program's own making, here pipes in memory, as tests like them: no socket, no port.
//! `cargo run -p evenkeel --example custom_connector`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use evenkeel::resolve::BoxFuture;
use evenkeel::{Channel, ConnectRequest, Connector, Io, Server};
use evenkeel_testkit::school::GetSchoolRequest;
use evenkeel_testkit::school::school_client::SchoolClient;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Gives one end of each new pipe to the channel, the other to the server.
struct Pipes(mpsc::UnboundedSender<DuplexStream>);

impl Connector for Pipes {
    fn connect(&self, request: &ConnectRequest<'_>) -> BoxFuture<'static, std::io::Result<Box<dyn Io>>> {
        println!("connecting to {}", request.address);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sent = self.0.send(theirs);
        Box::pin(async move {
            // An error means "nobody there": the channel tries again after its backoff.
            sent.map_err(|_| std::io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (pipes, incoming) = mpsc::unbounded_channel();
    let incoming = UnboundedReceiverStream::new(incoming).map(Ok::<_, std::io::Error>);
    let server =
        Server::builder().add_service(common::Named("pipe").into_server()).bind_incoming(incoming)?;
    tokio::spawn(server.serve());

    let channel = Channel::builder("passthrough:///in-memory").connector(Pipes(pipes)).build()?;
    let answer = SchoolClient::new(channel).get_school(GetSchoolRequest { id: 7 }).await?.into_inner();
    println!("answered over a {}", answer.school.map(|school| school.name).unwrap_or_default());
    Ok(())
}

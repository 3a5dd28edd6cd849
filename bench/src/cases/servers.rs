//! The server's side, called by hand-written clients.

use std::convert::Infallible;

use evenkeel_testkit::echo::EchoService;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::CONNECTIONS;
use super::callers::make;
use super::peer::Peer;
use super::pipes::pipe;
use super::raw::{RawClient, serve};

pub(super) async fn ours(calls: u64) -> Result<(), String> {
    let (connect, connections) = mpsc::unbounded_channel();
    let incoming = UnboundedReceiverStream::new(connections).map(Ok::<DuplexStream, Infallible>);
    let server = evenkeel::Server::builder().add_service(EchoService::new("").into_server());
    let bound = server.bind_incoming(incoming).map_err(|error| error.to_string())?;
    tokio::spawn(bound.serve());
    call(connect, calls).await
}

pub(super) async fn tonic(calls: u64) -> Result<(), String> {
    let (connect, connections) = mpsc::unbounded_channel();
    let incoming = UnboundedReceiverStream::new(connections).map(Ok::<DuplexStream, Infallible>);
    let server = tonic::transport::Server::builder().add_service(EchoService::new("").into_server());
    tokio::spawn(server.serve_with_incoming(incoming));
    call(connect, calls).await
}

pub(super) async fn raw(calls: u64) -> Result<(), String> {
    let (connect, mut connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(io) = connections.recv().await {
            tokio::spawn(serve(io));
        }
    });
    call(connect, calls).await
}

/// Connects, and calls; all of it is the peer's work.
async fn call(connect: mpsc::UnboundedSender<DuplexStream>, calls: u64) -> Result<(), String> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let (ours, theirs) = pipe();
        connect.send(theirs).map_err(|error| error.to_string())?;
        let handshake = Peer::new(h2::client::handshake(ours)).await;
        let (send, connection) = handshake.map_err(|error| error.to_string())?;
        tokio::spawn(Peer::new(connection));
        clients.push(send);
    }
    make(RawClient::new(clients), calls, Peer::new).await
}

//! The client's side, against hand-written servers.

use bytes::Bytes;
use evenkeel::Channel;
use evenkeel_testkit::proto::echo_client::EchoClient;
use h2::client::SendRequest;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::transport::Endpoint;

use super::CONNECTIONS;
use super::callers::make;
use super::peer::Peer;
use super::pipes::{Pipes, pipe};
use super::raw::{RawClient, serve};

pub(super) async fn ours(calls: u64) -> Result<(), String> {
    let (connect, mut connections) = mpsc::unbounded_channel();
    tokio::spawn(Peer::new(async move {
        while let Some(io) = connections.recv().await {
            tokio::spawn(Peer::new(serve(io)));
        }
    }));
    // Nothing listens there: the connector does not ask for it.
    let channel = Channel::builder("ipv4:127.0.0.1:1,127.0.0.1:2").connector(Pipes(connect)).build();
    call(channel.map_err(|error| error.to_string())?, calls).await
}

pub(super) async fn ours_tcp(calls: u64) -> Result<(), String> {
    let channel = Channel::builder(format!("ipv4:{}", listen().await?.join(","))).build();
    call(channel.map_err(|error| error.to_string())?, calls).await
}

async fn call(channel: Channel, calls: u64) -> Result<(), String> {
    channel.ready().await.map_err(|error| error.to_string())?;
    while channel.connections().len() < CONNECTIONS {
        tokio::task::yield_now().await;
    }
    make(EchoClient::new(channel), calls, |work| work).await
}

pub(super) async fn raw(calls: u64) -> Result<(), String> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (ours, theirs) = pipe();
        tokio::spawn(Peer::new(serve(theirs)));
        connections.push(connect(ours).await?);
    }
    make(RawClient::new(connections), calls, |work| work).await
}

async fn connect(io: tokio::io::DuplexStream) -> Result<SendRequest<Bytes>, String> {
    let (send, connection) = h2::client::handshake(io).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(send)
}

pub(super) async fn tonic_tcp(calls: u64) -> Result<(), String> {
    let mut endpoints = Vec::new();
    for address in listen().await? {
        endpoints
            .push(Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?);
    }
    let channel = tonic::transport::Channel::balance_list(endpoints.into_iter());
    make(EchoClient::new(channel), calls, |work| work).await
}

/// Servers on the loopback; where they listen.
async fn listen() -> Result<Vec<String>, String> {
    let mut addresses = Vec::new();
    for _ in 0..CONNECTIONS {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        addresses.push(listener.local_addr().map_err(|error| error.to_string())?.to_string());
        tokio::spawn(Peer::new(async move {
            while let Ok((io, _)) = listener.accept().await {
                if io.set_nodelay(true).is_ok() {
                    tokio::spawn(Peer::new(serve(io)));
                }
            }
        }));
    }
    Ok(addresses)
}

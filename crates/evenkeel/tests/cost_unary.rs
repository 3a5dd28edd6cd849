//! What a unary call costs the client: heap allocations and writes to the socket, counted, not timed. The limits are
//! what the path was built to; when a change needs more, it says so here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel::resolve::BoxFuture;
use evenkeel::{Address, Channel, ChannelBuilder, ConnectRequest, Io};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tonic::Request;

const CALLS: u64 = 1_000;
const PAYLOAD: usize = 128;

/// Allocations of this thread alone: the channel runs on it, the server on another.
#[test]
fn allocations_without_a_deadline() {
    assert_at_most(24.0, allocations_per_call(None));
}

#[test]
fn allocations_with_a_deadline() {
    assert_at_most(28.0, allocations_per_call(Some(Duration::from_secs(600))));
}

#[test]
fn one_call_at_a_time_is_one_write_each() {
    let writes = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&writes);
    let (runtime, mut client, _server) = warm(|builder| {
        builder.connector(
            move |request: &ConnectRequest<'_>| -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
                let (address, writes) = (request.address.clone(), Arc::clone(&counter));
                Box::pin(async move {
                    let Address::Ip(address) = address else { return Err(io::ErrorKind::Unsupported.into()) };
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    Ok(Box::new(Counting { stream, writes }) as Box<dyn Io>)
                })
            },
        )
    });
    writes.store(0, Ordering::SeqCst);
    runtime.block_on(call(&mut client, payloads(CALLS), None));
    assert_eq!(writes.load(Ordering::SeqCst), CALLS, "writes for {CALLS} calls, one after the other");
}

/// Tables that grow once in a while may add a few over all calls, but not one per call.
fn assert_at_most(limit: f64, per_call: f64) {
    assert!(per_call < limit + 0.1, "{per_call} allocations per call, over {limit}");
}

fn allocations_per_call(timeout: Option<Duration>) -> f64 {
    let (runtime, mut client, _server) = warm(|builder| builder);
    runtime.block_on(call(&mut client, payloads(100), timeout));
    // The caller's own messages are not the channel's cost; reading the answers is.
    let payloads = payloads(CALLS);
    let counted = allocation_counter::measure(|| runtime.block_on(call(&mut client, payloads, timeout)));
    counted.count_total as f64 / CALLS as f64
}

/// A client on this thread that has made some calls already, and a server on another.
fn warm(
    settings: impl FnOnce(ChannelBuilder) -> ChannelBuilder,
) -> (Runtime, EchoClient<Channel>, TonicServer) {
    // Without a name, which the client would have to allocate for every answer.
    let server = TonicServer::start("");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let channel = settings(Channel::builder(server.target())).build().unwrap();
    let mut client = EchoClient::new(channel);
    runtime.block_on(call(&mut client, payloads(200), None));
    (runtime, client, server)
}

fn payloads(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|_| vec![7; PAYLOAD]).collect()
}

async fn call(client: &mut EchoClient<Channel>, payloads: Vec<Vec<u8>>, timeout: Option<Duration>) {
    for payload in payloads {
        let mut request = Request::new(EchoRequest { payload, ..EchoRequest::default() });
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        let response = client.unary(request).await.unwrap().into_inner();
        assert_eq!(response.payload.len(), PAYLOAD);
    }
}

/// A socket that counts the writes it is asked for.
struct Counting {
    stream: TcpStream,
    writes: Arc<AtomicU64>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

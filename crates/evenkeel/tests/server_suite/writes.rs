//! How the server writes: gathered, and whole through the narrowest pipe.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::raw::{Automatic, RawClient};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tonic::transport::server::Connected;

use crate::support::{NEVER, Running, UNARY, serve_over, with_payload};

/// A connection that counts the writes that took something.
struct Counting {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl Connected for Counting {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.writes.fetch_add(usize::from(written.is_ready()), Ordering::SeqCst);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A server with one connection through a pipe that holds `capacity` bytes.
async fn over_a_pipe(capacity: usize) -> (Running, RawClient, Arc<AtomicUsize>) {
    let (ours, theirs) = tokio::io::duplex(capacity);
    let writes = Arc::new(AtomicUsize::new(0));
    let connection = Counting { io: theirs, writes: writes.clone() };
    let server = serve_over(connection, |s| s);
    (server, RawClient::over(ours, Automatic::default()).await, writes)
}

#[tokio::test]
async fn an_answer_is_one_write() {
    let (_server, client, writes) = over_a_pipe(1 << 20).await;
    // The first call is accompanied by SETTINGS and window updates.
    for payload in [0, 10, 1_000, 10_000] {
        client.barrier().await;
        let before = writes.load(Ordering::SeqCst);
        let stream = client.call(UNARY, &with_payload(vec![7; payload])).await;
        client.expect_messages::<EchoResponse>(stream).await;
        let count = writes.load(Ordering::SeqCst) - before;
        assert_eq!(count, 1, "head, {payload} bytes and trailers");
    }
}

#[tokio::test]
async fn nothing_is_lost_in_a_pipe_narrower_than_a_frame_header() {
    let (server, client, _) = over_a_pipe(7).await;
    let payload: Vec<u8> = (0..40_000_u32).map(|i| i as u8).collect();
    let stream = client.call(UNARY, &with_payload(payload.clone())).await;
    assert!(client.expect_messages::<EchoResponse>(stream).await[0].payload == payload);
    server.handle.drain(NEVER);
    let first = client.expect_go_away().await;
    let second = client.expect_go_away().await;
    assert_eq!((first.2.as_str(), second.2.as_str(), second.0), ("graceful_stop", "graceful_stop", stream));
    client.expect_closed().await;
    assert!(server.report().await.is_clean());
}

//! A connection's life under TLS: the frame tap, the drain, the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, pin::Pin, task::Context, task::Poll};

use evenkeel::{Address, ConnectRequest, Io};
use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawClient, code};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::Ca;
use crate::support::{
    NAME, NEVER, call, channel, own_client_config, own_server_config, raw_tls, serve, serve_with, server_tls,
    trusting, within,
};

const BIDI: &str = "/evenkeel.test.v1.Echo/Bidi";
/// The last stream id of a first GOAWAY.
const ALL: u32 = i32::MAX as u32;

#[tokio::test]
async fn a_drain_says_goaway_twice_and_lets_the_stream_end() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME]))).await;
    let io = raw_tls(server.address, own_client_config(&ca, &["h2"])).await.unwrap();
    let client = RawClient::over(io, Automatic::default().without_ping_acks()).await;
    let stream = client.open(Headers::request(BIDI), false).await;
    client.expect_headers(stream).await;
    server.handle.drain(NEVER);
    assert_eq!(client.expect_go_away().await, (ALL, code::NO_ERROR, "graceful_stop".to_owned()));
    let payload = client.expect_ping().await;
    client.send(Frame::Ping { ack: true, payload }).await;
    assert_eq!(client.expect_go_away().await, (stream, code::NO_ERROR, "graceful_stop".to_owned()));
    client.message(stream, &evenkeel_testkit::proto::EchoRequest::default(), true).await;
    assert_eq!(client.expect_messages::<EchoResponse>(stream).await.len(), 1);
    client.expect_closed().await;
    drop(client);
    let report = server.report().await;
    assert_eq!((report.calls_cut, report.calls_finished, report.connections_drained), (0, 1, 1));
}

#[tokio::test]
async fn the_server_ends_with_close_notify() {
    let ca = Ca::new();
    let tls = server_tls(&ca.issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).goaway_ack_wait(Duration::from_millis(10))).await;
    let mut io = raw_tls(server.address, own_client_config(&ca, &["h2"])).await.unwrap();
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    io.flush().await.unwrap();
    // Its SETTINGS.
    within("a frame", io.read_exact(&mut [0; 9])).await.unwrap();
    server.handle.drain(NEVER);
    // rustls reports an end without close_notify as an error.
    within("the end", io.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test]
async fn the_channel_ends_with_close_notify() {
    let ca = Ca::new();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(own_server_config(&ca.issue(&[NAME]), &["h2"])));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(io).await.unwrap();
        stream.write_all(b"\0\0\0\x04\0\0\0\0\0").await.unwrap();
        stream.flush().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await
    });
    drop(within("READY", channel(address, trusting(&ca)).connect()).await.unwrap());
    within("the end", peer).await.unwrap().unwrap();
}

/// Counts the writes that its socket takes.
struct Counted(TcpStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn tls_goes_over_a_connector_of_ones_own_and_a_call_is_one_write() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME]))).await;
    let writes = Arc::new(AtomicUsize::new(0));
    let connector = {
        let writes = writes.clone();
        move |request: &ConnectRequest<'_>| -> evenkeel::resolve::BoxFuture<'static, io::Result<Box<dyn Io>>> {
            let Address::Ip(address) = *request.address else { panic!("the target is an IP address") };
            let writes = writes.clone();
            Box::pin(async move {
                let io = TcpStream::connect(address).await?;
                Ok(Box::new(Counted(io, writes)) as Box<dyn Io>)
            })
        }
    };
    let builder = channel(server.address, trusting(&ca)).connector(connector);
    let channel = within("READY", builder.connect()).await.unwrap();
    for _ in 0..10 {
        call(&channel).await.unwrap();
    }
    let before = writes.load(Ordering::SeqCst);
    for _ in 0..50 {
        call(&channel).await.unwrap();
    }
    // Now and then a window update travels by itself.
    let calls = writes.load(Ordering::SeqCst) - before;
    assert!(calls <= 55, "{calls} writes for 50 calls");
}

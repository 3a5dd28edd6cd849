//! Peers that speak something else, or nothing.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::Channel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::Ca;
use crate::support::{
    NAME, NEVER, assert_refused, assert_served, channel, own_client_config, own_server_config, raw_tls,
    serve, serve_with, server_tls, trusting, within,
};

#[tokio::test]
async fn a_tls_channel_to_a_server_of_plain_text_says_so() {
    let server = serve_with(|s| s).await;
    assert_refused(channel(server.address, trusting(&Ca::new())), "the server does not speak TLS there")
        .await;
    assert_served(Channel::builder(format!("ipv4:{}", server.address))).await;
}

#[tokio::test]
async fn a_channel_of_plain_text_to_a_tls_server_says_so() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME]))).await;
    let plain = || Channel::builder(format!("ipv4:{}", server.address));
    let busy = channel(server.address, trusting(&ca)).connect().await.unwrap();
    assert_refused(plain(), "the server speaks TLS, and this channel does not").await;
    assert_eq!(crate::support::call(&busy).await.unwrap(), "pod");
    assert_served(channel(server.address, trusting(&ca))).await;
}

/// A TLS server of the program's own, for one connection, that ends when its client does.
async fn foreign_server(ca: &Ca, alpn: &[&str]) -> std::net::SocketAddr {
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(own_server_config(&ca.issue(&[NAME]), alpn)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = acceptor.accept(io).await {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_does_not_agree_to_h2_is_refused() {
    let ca = Ca::new();
    for alpn in [&[][..], &["http/1.1"]] {
        let address = foreign_server(&ca, alpn).await;
        assert_refused(channel(address, trusting(&ca)), "did not agree to HTTP/2 (ALPN h2)").await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_offer_h2_is_sent_away() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME]))).await;
    let refused = raw_tls(server.address, own_client_config(&ca, &["http/1.1"])).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    // Without ALPN, TLS itself succeeds; then the server closes, in order.
    let mut silent = raw_tls(server.address, own_client_config(&ca, &[])).await.unwrap();
    let read = within("the server's close_notify", silent.read_to_end(&mut Vec::new())).await;
    assert_eq!(read.unwrap(), 0);
}

#[tokio::test]
async fn clients_that_say_nothing_hold_up_nobody() {
    let ca = Ca::new();
    let tls = server_tls(&ca.issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).handshake_timeout(NEVER)).await;
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_served(channel(server.address, trusting(&ca))).await;
}

#[tokio::test]
async fn clients_in_the_handshake_count_as_connections() {
    let tls = server_tls(&Ca::new().issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).handshake_timeout(NEVER).max_connections(1)).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    let (mut nothing, mut more) = (Vec::new(), Vec::new());
    within("the end of one of them", async {
        tokio::select! {
            _ = first.read_to_end(&mut nothing) => {}
            _ = second.read_to_end(&mut more) => {}
        }
    })
    .await;
}

#[tokio::test]
async fn clients_that_say_nothing_are_dropped_in_time() {
    let tls = server_tls(&Ca::new().issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).handshake_timeout(Duration::from_millis(100))).await;
    // One says nothing at all, one begins a handshake and goes no further.
    for words in [&[][..], &[22, 3, 1, 2, 0, 1]] {
        let mut io = TcpStream::connect(server.address).await.unwrap();
        io.write_all(words).await.unwrap();
        // An end, in order or by a reset; a silent client that is kept fails here by time.
        let _ = within("the end of a silent client", io.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test]
async fn a_drain_does_not_wait_for_clients_that_say_nothing() {
    let ca = Ca::new();
    let tls = server_tls(&ca.issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).handshake_timeout(NEVER)).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    // The silent one came first: it is accepted when this one is served.
    assert_served(channel(server.address, trusting(&ca))).await;
    server.handle.drain(NEVER);
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_say_nothing() {
    let ca = Ca::new();
    let tls = server_tls(&ca.issue(&[NAME]));
    let server = serve_with(|s| s.tls(tls).handshake_timeout(NEVER)).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    assert_served(channel(server.address, trusting(&ca))).await;
    server.handle.stop();
    server.report().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_ends_with_the_attempts_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = channel(listener.local_addr().unwrap(), trusting(&Ca::new()));
    assert_refused(silent.connect_timeout(Duration::from_millis(200)), "no TLS handshake after").await;
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_handshake_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            // Read the greeting first: closing over unread bytes would be a reset.
            let _ = io.read(&mut [0; 4096]).await;
        }
    });
    let expected = "the connection in the TLS handshake; does it speak TLS there?";
    assert_refused(channel(address, trusting(&Ca::new())), expected).await;
}

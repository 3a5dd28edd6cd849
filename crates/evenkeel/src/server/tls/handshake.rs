//! The handshake of one connection, in that connection's own task.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription as Alert, Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::order::{Ended, HANDSHAKE_IN_DRAIN, LINGER, Order};
use crate::tls::ALPN_H2;

/// What is inside TLS, with the type of the stream below forgotten: each type would be an HTTP/2 stack of its own.
pub(in crate::server) trait Plaintext: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Plaintext for T {}

/// Shakes hands on `io` until `ends`; an order of the server's may shorten that.
///
/// # Errors
/// How the connection ended if it came to nothing, and why. The client has been told as far as TLS allows.
pub(in crate::server) async fn handshake<IO>(
    io: IO,
    config: Arc<ServerConfig>,
    ends: Option<Instant>,
    orders: &mut watch::Receiver<Order>,
) -> Result<TlsStream<IO>, (Ended, Arc<str>)>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    tokio::select! {
        stream = accept(io, config) => stream.map_err(|cause| (Ended::ByItself, cause)),
        () = at(ends) => {
            Err((Ended::ByItself, "the client did not finish the TLS handshake in time".into()))
        }
        ended = on_order(orders) => Err((ended, "the server ends, and waits for no TLS handshake".into())),
    }
}

async fn accept<IO>(io: IO, config: Arc<ServerConfig>) -> Result<TlsStream<IO>, Arc<str>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    match TlsAcceptor::from(config).accept(io).into_fallible().await {
        Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(ALPN_H2) => Ok(stream),
        Ok(mut stream) => {
            let _ = timeout(LINGER, linger(&mut stream)).await;
            Err("the client does not offer HTTP/2 (ALPN h2)".into())
        }
        Err((error, mut io)) => {
            let _ = timeout(LINGER, linger(&mut io)).await;
            Err(format!("TLS: {}", describe(&error)).into())
        }
    }
}

/// Waits until the client has closed its side: a socket closed with bytes unread is reset, and the reset may destroy
/// the alert that tells the client why.
async fn linger<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO) {
    if io.shutdown().await.is_ok() {
        let mut bytes = [0; 1024];
        while matches!(io.read(&mut bytes).await, Ok(1..)) {}
    }
}

/// A server that ends waits for no handshake, one that drains for a short one.
async fn on_order(orders: &mut watch::Receiver<Order>) -> Ended {
    let order = orders.wait_for(|order| *order != Order::Serve).await.map_or(Order::Cut, |order| *order);
    if order == Order::Drain {
        let cut = orders.wait_for(|order| *order == Order::Cut);
        if timeout(HANDSHAKE_IN_DRAIN, cut).await.is_err() {
            return Ended::ByItself;
        }
    }
    Ended::Cut
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn describe(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => "the client does not speak TLS".into(),
        Some(Error::NoCertificatesPresented) => "the client has no certificate".into(),
        Some(Error::NoApplicationProtocol) => "the client does not offer HTTP/2 (ALPN h2)".into(),
        Some(Error::InvalidCertificate(error)) => format!("the client's certificate: {error}"),
        Some(Error::AlertReceived(Alert::UnknownCA)) => {
            "the client does not trust this server's CA (alert UnknownCA)".into()
        }
        Some(Error::AlertReceived(alert)) => format!("the client refused this server (alert {alert:?})"),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the client went away".into(),
        None => error.to_string(),
    }
}

//! A client that a test plays.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::connection::{Automatic, RawConnection, Role};
use super::headers::Headers;
use super::log::Log;

/// One client connection, with everything a [`RawConnection`] can do. Dropping it closes the connection.
#[derive(Debug)]
pub struct RawClient {
    connection: RawConnection,
    next_stream: AtomicU32,
}

impl RawClient {
    /// Connects, and sends preface and SETTINGS unless `automatic` says otherwise.
    pub async fn connect(address: SocketAddr, automatic: Automatic) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server under test listens");
        Self::new(RawConnection::tcp(stream, Role::Client, 1, Log::new(), automatic).await)
    }

    /// The same over a connection that is there already, for example a Unix socket.
    pub async fn over(io: impl AsyncRead + AsyncWrite + Send + 'static, automatic: Automatic) -> Self {
        Self::new(RawConnection::over(io, Role::Client, 1, Log::new(), automatic).await)
    }

    fn new(connection: RawConnection) -> Self {
        Self { connection, next_stream: AtomicU32::new(1) }
    }

    /// Opens a request on the next stream, whose id it returns.
    pub async fn open(&self, headers: Headers, end_stream: bool) -> u32 {
        let stream = self.next_stream.fetch_add(2, Ordering::Relaxed);
        self.headers(stream, headers, end_stream).await;
        stream
    }

    /// Sends a whole unary request for `path`; returns its stream.
    pub async fn call(&self, path: &str, message: &impl Message) -> u32 {
        let stream = self.open(Headers::request(path), false).await;
        self.message(stream, message, true).await;
        stream
    }

    /// Closes the connection with a TCP RST.
    pub async fn abort(self) {
        self.connection.abort().await;
    }
}

impl Deref for RawClient {
    type Target = RawConnection;

    fn deref(&self) -> &RawConnection {
        &self.connection
    }
}

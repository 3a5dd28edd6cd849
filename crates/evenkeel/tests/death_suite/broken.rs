//! Connections that break in the middle of a call, and peers that do not speak HTTP/2: what the caller reads.

use std::net::SocketAddr;

use evenkeel_testkit::peer::Peer;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawConnection, RawServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::{Code, Request, Status};

use super::support::{
    answer, assert_status, assert_unavailable, hasty, message, only, refusal, serve_until, within,
};
use super::world::World;

/// How a connection breaks while calls are under way on it.
#[derive(Clone, Copy, Debug)]
enum Break {
    Reset,
    HalfClose,
    EndInsideAHead,
    EndInsideAPayload,
    Garbage,
    DataOnAStreamThatNeverWas,
}

impl Break {
    const ALL: [Self; 6] = [
        Self::Reset,
        Self::HalfClose,
        Self::EndInsideAHead,
        Self::EndInsideAPayload,
        Self::Garbage,
        Self::DataOnAStreamThatNeverWas,
    ];

    /// What callers read about it, and the code of it.
    fn outcome(self) -> (Code, &'static str) {
        match self {
            Self::Reset => (Code::Unavailable, "lost: the peer reset it"),
            Self::HalfClose => (Code::Unavailable, "lost: the peer closed it"),
            Self::EndInsideAHead | Self::EndInsideAPayload => {
                (Code::Unavailable, "lost: the peer closed it in the middle of a frame")
            }
            Self::Garbage | Self::DataOnAStreamThatNeverWas => {
                (Code::Unavailable, "broke the HTTP/2 protocol")
            }
        }
    }

    async fn happen(self, connection: RawConnection) {
        match self {
            Self::Reset => return connection.abort().await,
            Self::HalfClose => {}
            Self::EndInsideAHead => connection.send_bytes(&[0, 0, 100, 0]).await,
            Self::EndInsideAPayload => connection.send_bytes(&[0, 0, 100, 0, 0, 0, 0, 0, 1, 42, 42]).await,
            Self::Garbage => connection.send_bytes(&[0xff; 64]).await,
            Self::DataOnAStreamThatNeverWas => connection.data(999_999, "boo", false).await,
        }
        connection.half_close().await;
        connection.expect_closed().await;
    }
}

#[tokio::test]
async fn a_call_under_way_is_told_which_pod_and_what_happened() {
    for kind in Break::ALL {
        let server = RawServer::start(Automatic::default()).await;
        let client = only(server.address());
        let mut streaming = client.clone();
        let calling = tokio::spawn(async move {
            let mut stream = streaming.server_stream(Request::new(message("many"))).await?.into_inner();
            assert_eq!(stream.message().await?.unwrap().payload, b"");
            stream.message().await.map(|_| ())
        });
        let connection = server.accept().await;
        let (stream, _) = connection.expect_request().await;
        connection.headers(stream, Headers::response(), false).await;
        connection.message(stream, &answer("one"), false).await;
        connection.barrier().await;
        kind.happen(connection).await;
        let status = within("the end of the call", calling).await.unwrap().expect_err("it is cut");
        let (code, text) = kind.outcome();
        assert_status(&status, code, server.address(), &[text]);
    }
}

#[tokio::test]
async fn the_other_pods_calls_go_on() {
    for kind in Break::ALL {
        let mut server = RawServer::start(Automatic::default()).await;
        let world = World::start_with(server.address(), std::time::Duration::from_secs(20), hasty).await;
        let (connection, ()) = serve_until(&server, "bad", world.bad_serves("bad", 5)).await;
        server.stop_listening().await;
        kind.happen(connection).await;
        world.bad_is_lost("connecting to").await;
        for status in world.end().await {
            assert_eq!(status.code(), kind.outcome().0, "{kind:?}: {status:?}");
        }
    }
}

/// Answers whatever comes with these bytes and closes, having read what the client sends.
async fn answers(mut stream: TcpStream, bytes: &'static [u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn foreign(bad: SocketAddr, cause: &str) -> Status {
    let world = World::start_with(bad, std::time::Duration::from_secs(20), hasty).await;
    world.bad_is_lost(cause).await;
    world.end_without_failure().await;
    let (status, _) = refusal(&only(bad)).await;
    assert_unavailable(&status, bad, &["connecting to", cause]);
    status
}

#[tokio::test]
async fn a_port_where_http_1_is_spoken() {
    let response =
        b"HTTP/1.1 400 Bad Request\r\nserver: old\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let peer = Peer::start(|stream| answers(stream, response)).await;
    foreign(peer.address(), "the server speaks HTTP/1, not HTTP/2").await;
}

#[tokio::test]
async fn a_port_where_tls_is_spoken() {
    // A fatal alert, unexpected_message: what a TLS server makes of an HTTP/2 preface.
    let peer = Peer::start(|stream| answers(stream, &[0x15, 3, 1, 0, 2, 2, 10])).await;
    foreign(peer.address(), "the server speaks TLS").await;
}

#[tokio::test]
async fn a_port_where_something_else_is_spoken() {
    let peer = Peer::start(|stream| answers(stream, b"SSH-2.0-OpenSSH_9.9\r\n")).await;
    foreign(peer.address(), "the server does not speak HTTP/2").await;
}

#[tokio::test]
async fn a_frame_other_than_settings_at_the_start() {
    let peer = Peer::start(|mut stream: TcpStream| async move {
        let ping = Frame::Ping { ack: false, payload: [7; 8] };
        stream.write_all(&ping.encode()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    foreign(peer.address(), "no HTTP/2 SETTINGS after").await;
}

//! Servers that send too much of something: the worst is the end of their own connection, with its cause in words.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use evenkeel_testkit::peer::Peer;
use evenkeel_testkit::raw::{Automatic, Frame, Headers, RawConnection, RawServer, code, setting};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tonic::{Code, Request, Status};

use super::support::{Client, answer, assert_status, hasty, message, only, serve_until, within};
use super::world::World;

/// What a call became, and where it was made.
struct Outcome {
    status: Status,
    server: RawServer,
    connection: RawConnection,
    /// Keeps the connection.
    _client: Client,
}

/// One call under way on a connection; what it becomes when the server has done its worst.
async fn outcome(bad: impl AsyncFn(&RawConnection, u32)) -> Outcome {
    let server = RawServer::start(Automatic::default()).await;
    let client = only(server.address());
    let mut calling = client.clone();
    let call = tokio::spawn(async move {
        let mut stream = calling.server_stream(Request::new(message("a call"))).await?.into_inner();
        while stream.message().await?.is_some() {}
        Ok::<_, Status>(())
    });
    let connection = server.accept().await;
    let (stream, _) = connection.expect_request().await;
    bad(&connection, stream).await;
    let status = within("the end of the call", call).await.unwrap().expect_err("it cannot succeed");
    Outcome { status, server, connection, _client: client }
}

fn long_list(bytes: usize) -> Headers {
    Headers::response().with("x-long", &"y".repeat(bytes))
}

#[tokio::test]
async fn a_header_list_that_is_too_long_costs_its_call_alone() {
    // 16 KiB is the limit. Far over it, h2 steps in, which does not know what to call it.
    for (size, code, words) in [
        (17_000, Code::ResourceExhausted, "more than max_header_list_size, 16384"),
        (1_000_000, Code::ResourceExhausted, "bytes, more than max_header_list_size"),
        (1_100_000, Code::Internal, "far longer than max_header_list_size"),
    ] {
        let huge = async |connection: &RawConnection, stream| {
            connection.headers(stream, long_list(size), false).await;
        };
        let Outcome { status, server, connection, _client } = outcome(huge).await;
        assert_status(&status, code, server.address(), &[words]);
        connection.barrier().await;
        assert!(server.accepted().await.is_none(), "it is the same connection");
    }
}

/// A message, and these trailers.
async fn answer_with(connection: &RawConnection, stream: u32, trailers: Headers) {
    connection.headers(stream, Headers::response(), false).await;
    connection.message(stream, &answer("raw"), false).await;
    connection.headers(stream, trailers, true).await;
}

#[tokio::test]
async fn trailers_that_are_too_long_cost_their_call_alone() {
    for size in [17_000, 70_000, 1_000_000] {
        let huge = async |connection: &RawConnection, stream| {
            answer_with(connection, stream, Headers::trailers(0).with("grpc-message", &"y".repeat(size)))
                .await;
        };
        let Outcome { status, server, connection, _client } = outcome(huge).await;
        let words = ["trailers", "more than max_header_list_size"];
        assert_status(&status, Code::ResourceExhausted, server.address(), &words);
        connection.barrier().await;
        assert!(server.accepted().await.is_none(), "it is the same connection");
    }
}

/// h2 drops what does not fit, and what is left may say OK.
#[tokio::test]
async fn trailers_that_are_cut_off_are_no_success() {
    for (name, code) in [("a-long-one", "0"), ("grpc-message", "5")] {
        let huge = async |connection: &RawConnection, stream| {
            let trailers = Headers::default().with("grpc-status", code).with(name, &"y".repeat(1_100_000));
            answer_with(connection, stream, trailers).await;
        };
        let Outcome { status, server, connection, _client } = outcome(huge).await;
        let words = ["trailers", "far longer than max_header_list_size, 16384"];
        assert_status(&status, Code::ResourceExhausted, server.address(), &words);
        connection.barrier().await;
        assert!(server.accepted().await.is_none(), "it is the same connection");
    }
}

/// CONTINUATION frames without end (CVE-2024-27316 and its like).
fn endless_headers(stream: u32) -> Bytes {
    let mut out = BytesMut::new();
    let mut frame = |kind: u8, payload: &[u8]| {
        out.put_uint(payload.len() as u64, 3);
        out.put_slice(&[kind, 0]);
        out.put_u32(stream);
        out.put_slice(payload);
    };
    frame(0x1, &[0x88]);
    for _ in 0..10_000 {
        frame(0x9, b"\x00\x01a\x01b");
    }
    out.freeze()
}

#[tokio::test]
async fn a_header_block_without_end_ends_the_connection() {
    let endless = async |connection: &RawConnection, stream| {
        connection.send_bytes(&endless_headers(stream)).await;
    };
    let Outcome { status, server, connection, _client } = outcome(endless).await;
    assert_status(&status, Code::Unavailable, server.address(), &["too_many_continuations"]);
    let (_, code, debug) = connection.expect_go_away().await;
    assert_eq!((code, &*debug), (code::ENHANCE_YOUR_CALM, "too_many_continuations"));
}

/// h2 ends a connection over the 101st in its life; ours are healthy.
#[tokio::test]
async fn empty_data_frames_are_nothing() {
    let server = RawServer::start(Automatic::default()).await;
    let client = only(server.address());
    let mut calling = client.clone();
    let call = tokio::spawn(async move { calling.unary(Request::new(message("a call"))).await });
    let connection = server.accept().await;
    let (stream, _) = connection.expect_request().await;
    connection.headers(stream, Headers::response(), false).await;
    let empty = Frame::Data { stream, data: Bytes::new(), end_stream: false }.encode();
    let many = empty.repeat(10_000);
    for _ in 0..20 {
        connection.send_bytes(&many).await;
    }
    connection.message(stream, &answer("raw"), false).await;
    connection.send_bytes(&many).await;
    connection.trailers(stream, 0).await;
    let response = within("the end of the call", call).await.unwrap().unwrap();
    assert_eq!(response.into_inner().served_by, "raw");
    connection.barrier().await;
    drop(client);
}

/// Sends these bytes over and over, 25 megabytes in all, and never reads the answers.
async fn floods(mut stream: TcpStream, frame: Frame) {
    let settings = Frame::Settings { ack: false, params: Vec::new() }.encode();
    let frame = frame.encode();
    let many = frame.repeat((64 << 10) / frame.len());
    // The client may hang up at any moment, as well it may.
    let _ = stream.write_all(&settings).await;
    for _ in 0..400 {
        if stream.write_all(&many).await.is_err() {
            return;
        }
    }
    std::future::pending().await
}

/// A flood of frames that each ask for an answer: the client stops reading when its answers are not read, and nobody
/// else waits.
async fn flooded(frame: Frame) {
    let peer = Peer::start(move |stream| floods(stream, frame.clone())).await;
    let world = World::start_with(peer.address(), Duration::from_secs(2), hasty).await;
    world.failures(5).await;
    world.goes_on().await;
    let failed = world.end().await;
    for status in failed {
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable), "{status:?}");
    }
}

#[tokio::test]
async fn pings_without_end_are_nobody_elses_trouble() {
    flooded(Frame::Ping { ack: false, payload: [1; 8] }).await;
}

#[tokio::test]
async fn settings_without_end_are_nobody_elses_trouble() {
    let params = vec![(setting::INITIAL_WINDOW_SIZE, 65_535)];
    flooded(Frame::Settings { ack: false, params }).await;
}

/// A server that answers, and pings as fast as it can while its PINGs are answered: the calls on it go on, too.
#[tokio::test]
async fn calls_go_on_under_a_flood_of_pings_that_is_read() {
    let mut server = RawServer::start(Automatic::default()).await;
    let world = World::start_with(server.address(), Duration::from_secs(20), hasty).await;
    let serving = serve_until(&server, "pings", world.bad_serves("pings", 5));
    let (connection, ()) = serving.await;
    let ping = Frame::Ping { ack: false, payload: [1; 8] }.encode().repeat(100);
    let flood = async {
        for _ in 0..20 {
            connection.send_bytes(&ping).await;
        }
        world.bad_serves("pings", 20).await;
    };
    tokio::select! {
        () = flood => {}
        () = super::support::serve(&connection, "pings") => {}
    }
    server.stop_listening().await;
    // The connection is dropped now, and with it the calls that it had not answered yet.
    drop(connection);
    world.end_with_unavailable().await;
}

/// A message's bytes, one to a frame: read, they cost nothing but time.
#[tokio::test]
async fn messages_byte_by_byte_beside_steady_calls() {
    const COUNT: usize = 20_000;
    let server = RawServer::start(Automatic::default()).await;
    let world = World::start_with(server.address(), Duration::from_secs(2), hasty).await;
    let reader = only(server.address());
    let (connection, ()) = serve_until(&server, "bad", world.bad_serves("bad", 5)).await;
    let reading = tokio::spawn(async move {
        let mut reader = reader;
        let mut stream = reader.server_stream(Request::new(message("many"))).await?.into_inner();
        let mut seen = 0;
        while stream.message().await?.is_some() {
            seen += 1;
        }
        Ok::<_, Status>(seen)
    });
    let second = server.accept().await;
    let (stream, _) = second.expect_request().await;
    second.headers(stream, Headers::response(), false).await;
    // Empty messages: five zeros each.
    let byte = Frame::Data { stream, data: Bytes::from_static(&[0]), end_stream: false }.encode();
    second.send_bytes(&byte.repeat(5 * COUNT)).await;
    second.trailers(stream, 0).await;
    assert_eq!(within("all messages", reading).await.unwrap().unwrap(), COUNT);
    drop(connection);
    world.end().await;
}

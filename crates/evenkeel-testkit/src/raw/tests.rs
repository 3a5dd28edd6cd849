use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Automatic, Frame, Headers, RawClient, RawServer, code, setting};
use crate::proto::EchoRequest;

#[tokio::test]
async fn both_peers_record_what_the_other_sent_in_order() {
    let server =
        RawServer::start(Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, 7)])).await;
    let client = RawClient::connect(server.address(), Automatic::default()).await;
    let connection = server.accept().await;

    let request = EchoRequest { payload: vec![7; 40_000], ..Default::default() };
    let stream = client.call("/evenkeel.test.v1.Echo/Unary", &request).await;
    let (id, headers) = connection.expect_request().await;
    assert_eq!((id, headers.get(":path")), (stream, Some("/evenkeel.test.v1.Echo/Unary")));
    assert_eq!(connection.expect_messages::<EchoRequest>(id).await, [request]);

    let long = "x".repeat(20_000);
    connection.headers(id, Headers::response().with("x-long", &long), false).await;
    connection.trailers(id, 5).await;
    assert_eq!(client.expect_headers(id).await.get("x-long"), Some(long.as_str()));
    assert_eq!(client.expect_headers(id).await.get("grpc-status"), Some("5"));

    connection.go_away(1, code::NO_ERROR, "max_age").await;
    assert_eq!(client.expect_go_away().await, (1, 0, "max_age".to_owned()));
    client.barrier().await;
    connection.barrier().await;
    assert!(client.received().contains(&Frame::Settings { ack: false, params: vec![(3, 7)] }));
    client.abort().await;
    connection.expect_closed().await;
}

#[tokio::test]
async fn hpack_with_indexing_and_huffman_is_read() {
    let server = RawServer::start(Automatic::silent()).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    // RFC 7541 C.4.1 and C.4.2: the second block refers to what the first put into the dynamic table.
    let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
    for (id, block) in [(1, &first[..]), (3, &second[..])] {
        let frame = Frame::Other { kind: 1, flags: 0x5, stream: id, payload: Bytes::copy_from_slice(block) };
        stream.write_all(&frame.encode()).await.unwrap();
    }
    let connection = server.accept().await;
    for cache in [None, Some("no-cache")] {
        let (_, headers) = connection.expect_request().await;
        assert_eq!(headers.get(":authority"), Some("www.example.com"));
        assert_eq!(headers.get("cache-control"), cache);
    }
}

#[tokio::test]
async fn a_half_closed_connection_still_reads_and_a_stopped_server_refuses() {
    let mut server = RawServer::start(Automatic::default()).await;
    let client = RawClient::connect(server.address(), Automatic::default()).await;
    let connection = server.accept().await;
    server.stop_listening().await;
    assert!(TcpStream::connect(server.address()).await.is_err());
    connection.half_close().await;
    client.expect_closed().await;
    client.send_bytes(&Frame::encode_padded_data(1, b"abc", 200, true)).await;
    connection.expect("the padded DATA", |frame| frame.is_end_stream()).await;
    assert_eq!(connection.body(1), b"abc");
}

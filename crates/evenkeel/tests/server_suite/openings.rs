//! Connections that begin with something else than HTTP/2, or with nothing.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{Running, serve, serve_over, within};

const REQUESTS: [&str; 2] =
    ["GET / HTTP/1.1\r\n\r\n", "POST /a.B/C HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"];

/// A server on one connection, and the client's end of it. So much is under way at most: no read brings more.
fn connection(capacity: usize) -> (DuplexStream, Running) {
    let (ours, theirs) = tokio::io::duplex(capacity);
    (ours, serve_over(theirs, |s| s))
}

fn assert_says_what_it_speaks(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"), "{answer}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    assert!(body.contains("gRPC over HTTP/2") && body.lines().count() == 1, "{answer}");
}

/// An HTTP/1 client gets one answer, whole, in its own protocol.
#[tokio::test]
async fn a_client_of_http_1_is_told_what_this_port_speaks() {
    let server = serve(|s| s).await;
    for request in REQUESTS {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
        assert_says_what_it_speaks(&answer);
    }
}

#[tokio::test]
async fn a_client_of_http_1_is_told_however_its_bytes_are_cut() {
    for capacity in 1..8 {
        for request in REQUESTS {
            let (stream, _server) = connection(capacity);
            let (mut reader, mut writer) = tokio::io::split(stream);
            // The server reads no more than it needs.
            let writing = tokio::spawn(async move { writer.write_all(request.as_bytes()).await });
            let mut answer = String::new();
            within("an answer", reader.read_to_string(&mut answer)).await.unwrap();
            assert_says_what_it_speaks(&answer);
            writing.abort();
        }
    }
}

/// A probe that only connects costs nothing from the moment it is gone.
#[tokio::test(start_paused = true)]
async fn whoever_leaves_before_the_preface_is_not_waited_for() {
    for said in ["", "PRI * HTTP/2.0\r\n", "PO"] {
        let (mut stream, _server) = connection(4096);
        let began = Instant::now();
        stream.write_all(said.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!((answer.len(), began.elapsed().as_millis()), (0, 0), "{said:?}");
    }
}

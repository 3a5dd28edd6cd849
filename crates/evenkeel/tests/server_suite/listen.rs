//! Where a server listens: TCP, Unix sockets, the program's own connections.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use evenkeel::{BindError, Server};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::proto::echo_server::EchoServer;
use evenkeel_testkit::raw::{Automatic, RawClient};
use tokio::io::DuplexStream;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tonic::transport::server::UdsConnectInfo;
use tonic::{Request, Status};

use crate::support::{NEVER, UNARY, run, with_payload};

/// A path of this test's own; Unix socket paths must be short.
fn socket_path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("evenkeel-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

async fn answers(client: &RawClient) {
    let stream = client.call(UNARY, &with_payload("x")).await;
    assert_eq!(client.expect_messages::<EchoResponse>(stream).await[0].payload, b"x");
}

#[tokio::test]
async fn errors_name_the_address_and_what_to_do() {
    let service = EchoService::new("server").into_server();
    let first = Server::builder().add_service(service).bind("127.0.0.1:0").await.unwrap();
    let address = first.local_addr().unwrap();
    assert_ne!(address.port(), 0);
    let error = Server::builder().bind(address).await.unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");

    let error = Server::builder().bind("no port here").await.unwrap_err();
    assert!(matches!(error, BindError::Address { .. }), "{error:?}");
    assert!(error.to_string().contains("`no port here`"), "{error}");

    let error = Server::builder().bind("192.0.2.1:0").await.unwrap_err();
    assert!(matches!(error, BindError::Listen { .. }), "{error:?}");
}

#[tokio::test]
async fn settings_that_cannot_be_are_errors_and_no_panics() {
    for (builder, setting) in [
        (Server::builder().max_frame_size(1), "max_frame_size"),
        (Server::builder().max_frame_size(1 << 24), "max_frame_size"),
        (Server::builder().initial_stream_window_size(1 << 31), "initial_stream_window_size"),
        (Server::builder().initial_connection_window_size(u32::MAX), "initial_connection_window_size"),
        (Server::builder().initial_stream_window_size(0), "initial_stream_window_size"),
        (Server::builder().initial_connection_window_size(0), "initial_connection_window_size"),
        (Server::builder().max_header_list_size(0), "max_header_list_size"),
        (Server::builder().max_concurrent_streams(0), "max_concurrent_streams"),
        (Server::builder().max_connections(0), "max_connections"),
        (Server::builder().max_calls(0), "max_calls"),
        (Server::builder().memory_budget(0), "memory_budget"),
    ] {
        let error = builder.bind("127.0.0.1:0").await.unwrap_err();
        assert!(error.to_string().contains(setting), "{error}");
    }
}

#[tokio::test]
async fn a_unix_socket_is_served_and_removed() {
    let path = socket_path("served");
    // What a server that was killed leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let seen: Arc<Mutex<bool>> = Arc::default();
    let sink = seen.clone();
    let service = EchoService::new("server");
    let intercepted = EchoServer::with_interceptor(service.clone(), move |request: Request<()>| {
        *sink.lock().unwrap() = request.extensions().get::<UdsConnectInfo>().is_some();
        Ok::<_, Status>(request)
    });
    let bound = Server::builder().add_service(intercepted).bind_unix(&path).await.unwrap();
    assert_eq!(bound.local_addr(), None);
    let second = Server::builder().bind_unix(&path).await.unwrap_err();
    assert!(matches!(second, BindError::PathInUse { .. }), "somebody listens there: {second:?}");
    let server = run(bound, service);
    let client = RawClient::over(UnixStream::connect(&path).await.unwrap(), Automatic::default()).await;
    answers(&client).await;
    assert!(*seen.lock().unwrap(), "handlers get the socket's connect info");
    server.handle.drain(NEVER);
    assert!(server.report().await.is_clean());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_file_that_is_somebody_elses_by_now_stays() {
    let path = socket_path("taken-over");
    let service = EchoService::new("server");
    let bind = || Server::builder().add_service(service.clone().into_server()).bind_unix(&path);
    let first = bind().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = bind().await.unwrap();
    drop(first);
    assert!(path.exists(), "the second server's");
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_plain_file_is_never_removed() {
    let path = socket_path("plain");
    std::fs::write(&path, "precious").unwrap();
    let error = Server::builder().bind_unix(&path).await.unwrap_err();
    assert!(matches!(error, BindError::PathInUse { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn the_programs_own_connections_are_served_and_a_failed_one_does_no_harm() {
    let (connections, incoming) = mpsc::unbounded_channel::<io::Result<DuplexStream>>();
    let incoming = tokio_stream::wrappers::UnboundedReceiverStream::new(incoming);
    let service = EchoService::new("server");
    let builder = Server::builder().add_service(service.clone().into_server());
    let server = run(builder.bind_incoming(incoming).unwrap(), service);
    connections.send(Err(io::Error::other("a handshake of the program's own failed"))).unwrap();
    let (ours, theirs) = tokio::io::duplex(4096);
    connections.send(Ok(theirs)).unwrap();
    let client = RawClient::over(ours, Automatic::default()).await;
    answers(&client).await;
    // The stream's end is not the server's.
    drop(connections);
    answers(&client).await;
    server.handle.drain(NEVER);
    client.expect_closed().await;
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn a_listener_of_the_programs_own_is_served() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = EchoService::new("server");
    let builder = Server::builder().add_service(service.clone().into_server());
    let server = run(builder.listener(listener).unwrap(), service);
    answers(&server.raw().await).await;
}

#[tokio::test]
async fn several_addresses_are_one_server() {
    let service = EchoService::new("server");
    let builder = Server::builder().add_service(service.clone().into_server());
    let bound = builder.bind_all(["127.0.0.1:0", "127.0.0.2:0", "127.0.0.1:0"]).await.unwrap();
    let addresses = bound.local_addrs();
    assert_eq!(addresses.len(), 3);
    assert_eq!(bound.local_addr(), Some(addresses[0]));
    assert!(format!("{bound:?}").contains(&addresses[2].to_string()), "{bound:?}");
    let server = run(bound, service);
    let mut clients = Vec::new();
    for address in addresses {
        let client = RawClient::connect(address, Automatic::default()).await;
        answers(&client).await;
        clients.push(client);
    }
    server.handle.drain(NEVER);
    for client in clients {
        client.expect_closed().await;
    }
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn one_address_in_use_or_none_at_all_is_an_error() {
    let first = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = first.local_addr().unwrap().to_string();
    let builder = || Server::builder().add_service(EchoService::new("server").into_server());
    let error = builder().bind_all(["127.0.0.1:0".to_owned(), taken.clone()]).await.unwrap_err();
    assert!(matches!(&error, BindError::InUse { address } if *address == taken), "{error:?}");
    let error = builder().bind_all([""; 0]).await.unwrap_err();
    assert!(matches!(error, BindError::NoAddress), "{error:?}");
}

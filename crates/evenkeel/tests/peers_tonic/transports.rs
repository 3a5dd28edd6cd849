//! The same calls over something else than TCP.

use std::io;
use std::os::linux::net::SocketAddrExt;

use evenkeel::resolve::BoxFuture;
use evenkeel::{Address, Channel, ConnectRequest, Io, Server};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};

use crate::cases::within;

async fn assert_echo(channel: Channel) {
    let request = EchoRequest { payload: vec![7; 100_000], ..EchoRequest::default() };
    let response = within("the answer", EchoClient::new(channel).unary(request)).await.unwrap();
    assert_eq!(response.get_ref().payload.len(), 100_000);
}

#[tokio::test]
async fn a_unix_socket() {
    let directory = std::env::temp_dir().join(format!("evenkeel-peers-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("echo.sock");
    let service = EchoService::new("unix").into_server();
    let server = Server::builder().add_service(service).bind_unix(&path).await.unwrap();
    let handle = server.handle();
    let serving = tokio::spawn(server.serve());
    assert_echo(Channel::builder(format!("unix:{}", path.display())).build().unwrap()).await;
    handle.stop();
    within("the server's end", serving).await.unwrap().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn an_abstract_unix_socket() {
    let name = format!("evenkeel-peers-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let incoming = UnixListenerStream::new(tokio::net::UnixListener::from_std(listener).unwrap());
    let service = EchoService::new("abstract").into_server();
    let server = Server::builder().add_service(service).bind_incoming(incoming).unwrap();
    tokio::spawn(server.serve());
    assert_echo(Channel::builder(format!("unix-abstract:{name}")).build().unwrap()).await;
}

#[tokio::test]
async fn memory_alone() {
    let (sender, incoming) = mpsc::channel::<io::Result<DuplexStream>>(1);
    let service = EchoService::new("memory").into_server();
    let server = Server::builder().add_service(service).bind_incoming(ReceiverStream::new(incoming)).unwrap();
    tokio::spawn(server.serve());
    let connector = move |request: &ConnectRequest<'_>| -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        assert_eq!(*request.address, Address::Name("anywhere".into()));
        let sender = sender.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(1_000);
            sender.send(Ok(theirs)).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    };
    assert_echo(Channel::builder("passthrough:///anywhere").connector(connector).build().unwrap()).await;
}

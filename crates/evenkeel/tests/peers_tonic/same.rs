//! What the migration tables call "the same": the same setter on ours and on tonic's, and what comes of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use evenkeel::{Channel, Server};
use evenkeel_testkit::echo::{EchoService, PUSH_FIRST};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Frame, RawClient, RawConnection, RawServer};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

/// What a peer announces in its first frame.
async fn settings(connection: &RawConnection) -> Vec<(u16, u32)> {
    let is_settings = |frame: &Frame| matches!(frame, Frame::Settings { ack: false, .. });
    match connection.expect("SETTINGS", is_settings).await {
        Frame::Settings { params, .. } => params,
        other => panic!("{other:?}"),
    }
}

/// The same, and by how much it widens the connection's window.
async fn announced(connection: &RawConnection) -> (Vec<(u16, u32)>, u32) {
    let settings = settings(connection).await;
    let is_wider = |frame: &Frame| matches!(frame, Frame::WindowUpdate { stream: 0, .. });
    match connection.expect("WINDOW_UPDATE", is_wider).await {
        Frame::WindowUpdate { increment, .. } => (settings, increment),
        other => panic!("{other:?}"),
    }
}

/// Those of `ids`, in their order.
fn values(settings: &[(u16, u32)], ids: &[u16]) -> Vec<Option<u32>> {
    ids.iter().map(|id| settings.iter().find(|(other, _)| other == id).map(|(_, value)| *value)).collect()
}

const HEADER_TABLE_SIZE: u16 = 1;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;

#[tokio::test]
async fn a_channel_announces_what_tonics_announces() {
    let ids = [HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE];
    let server = RawServer::start(Automatic::default()).await;
    let channel = Channel::builder(server.target())
        .initial_stream_window_size(200_000)
        .initial_connection_window_size(300_000)
        .max_frame_size(20_000)
        .max_header_list_size(30_000)
        .header_table_size(8_192)
        .build()
        .unwrap();
    channel.connect().unwrap();
    let ours = announced(&server.accept().await).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address()))
        .unwrap()
        .initial_stream_window_size(200_000)
        .initial_connection_window_size(300_000)
        .max_frame_size(20_000)
        .http2_max_header_list_size(30_000)
        .http2_header_table_size(8_192);
    let connecting = tokio::spawn(async move { endpoint.connect().await });
    let theirs = announced(&server.accept().await).await;
    assert_eq!(values(&ours.0, &ids), [Some(8_192), Some(200_000), Some(20_000), Some(30_000)]);
    assert_eq!(values(&ours.0, &ids), values(&theirs.0, &ids));
    assert_eq!(ours.1, theirs.1, "the connection's window");
    drop(connecting.await.unwrap());
}

/// tonic's server with the settings of `configure`.
async fn tonics(configure: impl FnOnce(tonic::transport::Server) -> tonic::transport::Server) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = EchoService::new("tonic").into_server();
    let router = configure(tonic::transport::Server::builder()).add_service(service);
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

async fn ours(configure: impl FnOnce(evenkeel::ServerBuilder) -> evenkeel::ServerBuilder) -> SocketAddr {
    let service = EchoService::new("ours").into_server();
    let bound = configure(Server::builder()).add_service(service).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    tokio::spawn(bound.serve());
    address
}

#[tokio::test]
async fn a_server_announces_what_tonics_announces() {
    let ids = [MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE];
    let ours = ours(|server| {
        let server = server.initial_stream_window_size(200_000);
        server.max_frame_size(20_000).max_header_list_size(30_000).max_concurrent_streams(40)
    });
    let theirs = tonics(|server| {
        let server = server.initial_stream_window_size(200_000);
        server.max_frame_size(20_000).http2_max_header_list_size(30_000).max_concurrent_streams(40)
    });
    let ours = RawClient::connect(ours.await, Automatic::default()).await;
    let theirs = RawClient::connect(theirs.await, Automatic::default()).await;
    let (ours, theirs) = (settings(&ours).await, settings(&theirs).await);
    assert_eq!(values(&ours, &ids), [Some(40), Some(200_000), Some(20_000), Some(30_000)]);
    assert_eq!(values(&ours, &ids), values(&theirs, &ids));
}

const LIMIT: Duration = Duration::from_millis(300);

fn slow() -> EchoRequest {
    EchoRequest { delay_ms: 600_000, ..EchoRequest::default() }
}

/// `timeout` on one side: a unary call ends with `code`, a stream that has begun lives past it.
macro_rules! timeout_ends_at_the_head {
    ($channel:expr, $code:expr) => {{
        let mut client = EchoClient::new($channel);
        let (messages, requests) = tokio::sync::mpsc::channel(1);
        let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(requests));
        request.metadata_mut().insert(PUSH_FIRST, "1".parse().unwrap());
        let mut answers = client.bidi(request).await.unwrap().into_inner();
        assert!(answers.message().await.unwrap().is_some());
        // It begins later, and so ends later than the stream's limit.
        let status = client.unary(slow()).await.unwrap_err();
        assert_eq!(status.code(), $code, "{status:?}");
        messages.send(EchoRequest::default()).await.unwrap();
        assert!(answers.message().await.unwrap().is_some(), "the stream lives");
    }};
}

#[tokio::test]
async fn a_channels_timeout_ends_at_the_head() {
    let server = tonics(|server| server).await;
    let channel = Channel::builder(format!("ipv4:{server}")).timeout(LIMIT).build().unwrap();
    timeout_ends_at_the_head!(channel, Code::DeadlineExceeded);
    let endpoint = Endpoint::from_shared(format!("http://{server}")).unwrap().timeout(LIMIT);
    timeout_ends_at_the_head!(endpoint.connect_lazy(), Code::Cancelled);
}

#[tokio::test]
async fn a_servers_timeout_ends_at_the_head() {
    let ours = ours(|server| server.timeout(LIMIT)).await;
    let channel = Channel::builder(format!("ipv4:{ours}")).build().unwrap();
    timeout_ends_at_the_head!(channel, Code::DeadlineExceeded);
    let theirs = tonics(|server| server.timeout(LIMIT)).await;
    let channel = Channel::builder(format!("ipv4:{theirs}")).build().unwrap();
    timeout_ends_at_the_head!(channel, Code::Cancelled);
}

#[tokio::test]
async fn neither_channel_tells_the_server_its_timeout_and_both_names_begin_with_what_was_set() {
    let server = RawServer::start(Automatic::default()).await;
    let builder = Channel::builder(server.target()).timeout(Duration::from_secs(600)).user_agent("school/1");
    let mut client = EchoClient::new(builder.build().unwrap());
    let call = tokio::spawn(async move { client.unary(EchoRequest::default()).await });
    let (_, ours) = server.accept().await.expect_request().await;
    call.abort();
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
    let endpoint = endpoint.timeout(Duration::from_secs(600)).user_agent("school/1").unwrap();
    let mut client = EchoClient::new(endpoint.connect_lazy());
    let call = tokio::spawn(async move { client.unary(EchoRequest::default()).await });
    let (_, theirs) = server.accept().await.expect_request().await;
    call.abort();
    for headers in [ours, theirs] {
        assert_eq!(headers.get("grpc-timeout"), None);
        assert!(headers.get("user-agent").unwrap().starts_with("school/1 "), "{headers:?}");
    }
}

#[tokio::test]
async fn connections_come_from_the_local_address() {
    let local: IpAddr = if cfg!(target_os = "linux") { [127, 0, 0, 9] } else { [127, 0, 0, 1] }.into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let channel = Channel::builder(format!("ipv4:{address}")).local_address(Some(local)).build().unwrap();
    channel.connect().unwrap();
    assert_eq!(listener.accept().await.unwrap().1.ip(), local);
    channel.close().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().local_address(Some(local));
    let connecting = tokio::spawn(async move { endpoint.connect().await });
    assert_eq!(listener.accept().await.unwrap().1.ip(), local);
    connecting.abort();
}

type Appends = fn(http::Request<tonic::body::Body>) -> http::Request<tonic::body::Body>;

/// Layers that write down who saw a call, and in which order.
fn layers() -> (tower::util::MapRequestLayer<Appends>, tower::util::MapRequestLayer<Appends>) {
    fn seen(
        mut request: http::Request<tonic::body::Body>,
        by: &'static str,
    ) -> http::Request<tonic::body::Body> {
        request.headers_mut().append("x-echo-seen", http::HeaderValue::from_static(by));
        request
    }
    let (first, second): (Appends, Appends) =
        (|request| seen(request, "first"), |request| seen(request, "second"));
    (tower::util::MapRequestLayer::new(first), tower::util::MapRequestLayer::new(second))
}

#[tokio::test]
async fn layers_see_calls_of_added_routes_in_the_same_order() {
    let routes = || tonic::service::Routes::new(EchoService::new("routed").into_server());
    let (first, second) = layers();
    let builder = Server::builder().layer(first).layer(second).add_routes(routes());
    let bound = builder.bind("127.0.0.1:0").await.unwrap();
    let ours = bound.local_addr().unwrap();
    tokio::spawn(bound.serve());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = listener.local_addr().unwrap();
    let (first, second) = layers();
    let mut server = tonic::transport::Server::builder().layer(first).layer(second);
    tokio::spawn(server.add_routes(routes()).serve_with_incoming(TcpListenerStream::new(listener)));
    for address in [ours, theirs] {
        let channel = Channel::builder(format!("ipv4:{address}")).build().unwrap();
        let answer = EchoClient::new(channel).unary(EchoRequest::default()).await.unwrap();
        let seen: Vec<_> = answer.metadata().get_all("x-echo-seen").iter().collect();
        assert_eq!(seen, ["first", "second"], "{address}");
    }
}

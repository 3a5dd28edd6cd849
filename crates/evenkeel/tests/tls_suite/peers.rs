//! Our channel against tonic's TLS server, and tonic's TLS channel against ours.

use evenkeel::Channel;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

use crate::certificates::Ca;
use crate::support::{NAME, channel, serve, server_tls, trusting, within};

fn large() -> EchoRequest {
    EchoRequest { payload: vec![7; 1 << 20], ..EchoRequest::default() }
}

#[tokio::test]
async fn tonics_channel_calls_our_server_with_a_client_certificate() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem)).await;
    let identity = ca.issue(&["client.test"]);
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&ca.pem))
        .identity(Identity::from_pem(identity.chain, identity.key))
        .domain_name(NAME);
    let endpoint = Endpoint::new(format!("https://{}", server.address)).unwrap().tls_config(tls).unwrap();
    let channel = within("a connection", endpoint.connect()).await.unwrap();
    let mut client = EchoClient::new(channel).max_decoding_message_size(usize::MAX);
    let answer = within("the answer", client.unary(large())).await.unwrap().into_inner();
    assert_eq!(answer.payload.len(), 1 << 20);
    let messages = tokio_stream::iter((0..100).map(|_| EchoRequest::default()));
    let answers = within("the stream", client.bidi(messages)).await.unwrap().into_inner();
    assert_eq!(within("its end", answers.collect::<Vec<_>>()).await.len(), 100);
}

#[tokio::test]
async fn our_channel_calls_tonics_server_with_a_client_certificate() {
    let ca = Ca::new();
    let [issued, identity] = [ca.issue(&[NAME]), ca.issue(&["client.test"])];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(issued.chain, issued.key))
        .client_ca_root(Certificate::from_pem(&ca.pem));
    let router = tonic::transport::Server::builder()
        .tls_config(tls)
        .unwrap()
        .add_service(EchoService::new("tonic").into_server());
    let server = tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let tls = trusting(&ca).identity_pem(identity.chain, identity.key);
    let channel: Channel = within("READY", channel(address, tls).connect()).await.unwrap();
    let mut client = EchoClient::new(channel).max_decoding_message_size(usize::MAX);
    let answer = within("the answer", client.unary(large())).await.unwrap().into_inner();
    assert_eq!((answer.payload.len(), &*answer.served_by), (1 << 20, "tonic"));
    let messages = tokio_stream::iter((0..100).map(|_| EchoRequest::default()));
    let answers = within("the stream", client.bidi(messages)).await.unwrap().into_inner();
    assert_eq!(within("its end", answers.collect::<Vec<_>>()).await.len(), 100);
    server.abort();
}

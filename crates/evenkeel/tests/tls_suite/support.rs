//! A server under TLS, and channels to it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::tls::rustls;
use evenkeel::{
    Cause, Channel, ChannelBuilder, ClientTls, ConnectError, DrainReport, ServeError, Server, ServerBuilder,
    ServerHandle, ServerTls,
};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::DEADLINE;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use crate::certificates::{Ca, Issued};

/// The name that servers' certificates carry.
pub(crate) const NAME: &str = "pod.test";
/// Long: only a peer that does not keep its promise waits for it.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
    task: JoinHandle<Result<DrainReport, ServeError>>,
}

/// Serves Echo under TLS.
pub(crate) async fn serve(tls: ServerTls) -> Running {
    serve_with(|builder| builder.tls(tls)).await
}

pub(crate) async fn serve_with(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Running {
    let builder = configure(Server::builder()).add_service(EchoService::new("pod").into_server());
    run(builder.bind("127.0.0.1:0").await.unwrap())
}

pub(crate) fn run(server: evenkeel::BoundServer) -> Running {
    let address = server.local_addr().unwrap();
    let handle = server.handle();
    Running { address, handle, task: tokio::spawn(server.serve()) }
}

impl Running {
    pub(crate) async fn report(self) -> DrainReport {
        within("the server's end", self.task).await.unwrap().unwrap()
    }
}

pub(crate) fn server_tls(issued: &Issued) -> ServerTls {
    ServerTls::pem(&issued.chain, &issued.key)
}

/// A channel to `address` that expects [`NAME`] there.
pub(crate) fn channel(address: SocketAddr, tls: ClientTls) -> ChannelBuilder {
    Channel::builder(format!("ipv4:{address}")).authority(NAME).tls(tls)
}

pub(crate) fn trusting(ca: &Ca) -> ClientTls {
    ClientTls::new().ca_pem(&ca.pem)
}

/// Makes one call and returns who answered.
pub(crate) async fn call(channel: &Channel) -> Result<String, tonic::Status> {
    let mut client = EchoClient::new(channel.clone());
    let answer = within("the answer", client.unary(EchoRequest::default())).await?;
    Ok(answer.into_inner().served_by)
}

/// Connects and makes a call.
pub(crate) async fn assert_served(builder: ChannelBuilder) {
    let channel = within("READY", builder.connect()).await.unwrap();
    assert_eq!(call(&channel).await.unwrap(), "pod");
}

/// Why the first attempt to connect failed.
pub(crate) async fn refusal(builder: ChannelBuilder) -> Cause {
    match within("the end of the attempt", builder.connect()).await {
        Err(ConnectError::Unavailable { cause }) => cause,
        other => panic!("expected a failed attempt, got {other:?}"),
    }
}

pub(crate) async fn assert_refused(builder: ChannelBuilder, expected: &str) {
    let cause = refusal(builder).await;
    assert!(cause.text().contains(expected), "{cause}");
}

pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

pub(crate) fn ring() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A rustls server configuration made by hand, as a program's own would be.
pub(crate) fn own_server_config(issued: &Issued, alpn: &[&str]) -> rustls::ServerConfig {
    let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(ring());
    let mut config = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A rustls client configuration made by hand.
pub(crate) fn own_client_config(ca: &Ca, alpn: &[&str]) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(ring());
    let mut config = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A TLS connection under no channel.
pub(crate) async fn raw_tls(
    address: SocketAddr,
    config: rustls::ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let io = TcpStream::connect(address).await?;
    let name = ServerName::try_from(NAME).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, io).await
}

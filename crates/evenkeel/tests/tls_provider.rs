//! A process of its own: nothing else in it may set rustls' default provider.
#![allow(clippy::unwrap_used, reason = "a test says what must hold in the shortest way")]

use evenkeel::tls::rustls::crypto::CryptoProvider;
use evenkeel::{Channel, ClientTls, Server, ServerTls};

#[tokio::test]
async fn the_process_default_provider_is_neither_needed_nor_set() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = ServerTls::pem(issued.cert.pem(), issued.signing_key.serialize_pem());
    let (_, service) = tonic_health::server::health_reporter();
    let server = Server::builder().tls(tls).add_service(service).bind("127.0.0.1:0").await.unwrap();
    let target = format!("ipv4:{}", server.local_addr().unwrap());
    let handle = server.handle();
    let serving = tokio::spawn(server.serve());
    let tls = ClientTls::new().ca_pem(issued.cert.pem());
    Channel::builder(target).authority("localhost").tls(tls).connect().await.unwrap();
    assert!(CryptoProvider::get_default().is_none());
    handle.stop();
    serving.await.unwrap().unwrap();
}

//! Clients that show certificates, and servers that look at them.

use std::net::SocketAddr;

use evenkeel::{ClientTls, Server, ServerTls};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::echo_server::EchoServer;
use tonic::{Request, Status};

use crate::certificates::{Ca, Issued};
use crate::support::{
    NAME, Running, assert_refused, assert_served, call, channel, run, server_tls, trusting,
};

/// A server whose handlers demand to know their client.
async fn serve_known(tls: ServerTls, expected: fn(Option<usize>, Option<SocketAddr>) -> bool) -> Running {
    let check = move |request: Request<()>| {
        let certificates = request.peer_certs().map(|certificates| certificates.len());
        if expected(certificates, request.remote_addr()) {
            Ok(request)
        } else {
            Err(Status::unauthenticated(format!("{certificates:?} {:?}", request.remote_addr())))
        }
    };
    let service = EchoServer::with_interceptor(EchoService::new("pod"), check);
    run(Server::builder().tls(tls).add_service(service).bind("127.0.0.1:0").await.unwrap())
}

fn with_identity(ca: &Ca, identity: &Issued) -> ClientTls {
    trusting(ca).identity_pem(&identity.chain, &identity.key)
}

#[tokio::test]
async fn a_handler_sees_its_clients_certificate_and_address() {
    let ca = Ca::new();
    let tls = server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem);
    let known = |certificates, address: Option<SocketAddr>| certificates == Some(1) && address.is_some();
    let server = serve_known(tls, known).await;
    assert_served(channel(server.address, with_identity(&ca, &ca.issue(&["client.test"])))).await;
}

#[tokio::test]
async fn a_required_certificate_that_is_missing_is_said() {
    let ca = Ca::new();
    let server = serve_known(server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem), |_, _| true).await;
    let expected = "the server wants a client certificate, and this channel has none";
    assert_refused(channel(server.address, trusting(&ca)), expected).await;
    // It serves those who have one.
    assert_served(channel(server.address, with_identity(&ca, &ca.issue(&["client.test"])))).await;
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused() {
    let ca = Ca::new();
    let server = serve_known(server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem), |_, _| true).await;
    let stranger = Ca::named("another CA").issue(&["client.test"]);
    let expected = "the server does not trust the CA of this channel's client certificate";
    assert_refused(channel(server.address, with_identity(&ca, &stranger)), expected).await;
}

#[tokio::test]
async fn an_expired_client_certificate_is_refused() {
    let ca = Ca::new();
    let server = serve_known(server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem), |_, _| true).await;
    let old = ca.issue_with(&["client.test"], |p| p.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let expected = "the server refused this channel's client certificate (CertificateExpired)";
    assert_refused(channel(server.address, with_identity(&ca, &old)), expected).await;
}

#[tokio::test]
async fn an_optional_certificate_may_be_missing_but_not_bad() {
    let ca = Ca::new();
    let tls = || server_tls(&ca.issue(&[NAME])).client_ca_pem(&ca.pem).client_auth_optional(true);
    let server =
        serve_known(tls(), |certificates, address| certificates.is_none() && address.is_some()).await;
    assert_served(channel(server.address, trusting(&ca))).await;
    let known = with_identity(&ca, &ca.issue(&["client.test"]));
    let channel_of_known = channel(server.address, known).connect().await.unwrap();
    let status = call(&channel_of_known).await.unwrap_err();
    assert!(status.message().starts_with("Some(1)"), "{status:?}");
    let stranger = Ca::named("another CA").issue(&["client.test"]);
    assert_refused(channel(server.address, with_identity(&ca, &stranger)), "does not trust the CA").await;
}

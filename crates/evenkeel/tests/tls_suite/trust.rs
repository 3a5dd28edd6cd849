//! Whom a channel trusts, and what it says when it does not.

use std::sync::{Arc, Mutex};

use evenkeel::tls::rustls;
use evenkeel::{CauseKind, Channel, ClientTls};
use rcgen::date_time_ymd;

use crate::certificates::Ca;
use crate::support::{
    NAME, assert_refused, assert_served, channel, own_client_config, refusal, serve, serve_with, server_tls,
    trusting,
};

#[tokio::test]
async fn a_server_of_a_trusted_ca_is_called() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&[NAME]))).await;
    assert_served(channel(server.address, trusting(&ca))).await;
    // Several roots are all trusted.
    assert_served(channel(server.address, ClientTls::new().ca_pem(Ca::new().pem).ca_pem(&ca.pem))).await;
}

#[tokio::test]
async fn calls_carry_https_and_the_authority() {
    let ca = Ca::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let layer = tower::util::MapRequestLayer::new({
        let seen = seen.clone();
        move |request: http::Request<tonic::body::Body>| {
            seen.lock().unwrap().push(request.uri().to_string());
            request
        }
    });
    let builder = evenkeel::Server::builder().tls(server_tls(&ca.issue(&[NAME]))).layer(layer);
    let builder = builder.add_service(evenkeel_testkit::echo::EchoService::new("pod").into_server());
    let server = crate::support::run(builder.bind("127.0.0.1:0").await.unwrap());
    assert_served(channel(server.address, trusting(&ca)).authority("pod.test:443")).await;
    // As in grpc-go, the server name is the authority of a channel that says no other.
    let target = format!("ipv4:{}", server.address);
    assert_served(Channel::builder(target).tls(trusting(&ca).server_name(NAME))).await;
    let path = "/evenkeel.test.v1.Echo/Unary";
    let expected = [format!("https://pod.test:443{path}"), format!("https://pod.test{path}")];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn addresses_and_absolute_names_are_names_too() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&["127.0.0.1", NAME, "::1"]))).await;
    let target = format!("ipv4:{}", server.address);
    // Without anything said, the target itself is what the certificate must carry.
    assert_served(Channel::builder(&target).tls(trusting(&ca))).await;
    for authority in ["pod.test.", "POD.test:1", "[::1]:443"] {
        assert_served(Channel::builder(&target).authority(authority).tls(trusting(&ca))).await;
    }
    assert_served(Channel::builder(&target).tls(trusting(&ca).server_name("::1"))).await;
}

#[tokio::test]
async fn an_unknown_ca_is_refused() {
    let server = serve(server_tls(&Ca::new().issue(&[NAME]))).await;
    let tls = trusting(&Ca::named("another CA"));
    assert_refused(channel(server.address, tls), "comes from a CA that this channel does not trust").await;
    // The same name does not make it the same CA.
    let tls = trusting(&Ca::new());
    assert_refused(channel(server.address, tls), "comes from another CA than the one of the same name").await;
}

#[tokio::test]
async fn a_wrong_name_is_refused_and_both_names_are_said() {
    let ca = Ca::new();
    let server = serve(server_tls(&ca.issue(&["other.test", "*.wild.test", "10.1.2.3"]))).await;
    let cause = refusal(channel(server.address, trusting(&ca))).await;
    assert_eq!(cause.kind(), CauseKind::Tls, "{cause}");
    let expected = "certificate is for other.test, *.wild.test, 10.1.2.3, not for `pod.test`";
    assert!(cause.text().contains(expected), "{cause}");
    assert!(cause.text().contains(&format!("connecting to {} failed", server.address)), "{cause}");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused() {
    let ca = Ca::new();
    let expired = ca.issue_with(&[NAME], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let server = serve(server_tls(&expired)).await;
    let cause = refusal(channel(server.address, trusting(&ca))).await;
    assert!(cause.text().contains("certificate expired") && cause.text().contains("days ago"), "{cause}");
    let early = ca.issue_with(&[NAME], |params| params.not_before = date_time_ymd(4000, 1, 1));
    let server = serve(server_tls(&early)).await;
    assert_refused(channel(server.address, trusting(&ca)), "certificate is not valid before").await;
}

#[tokio::test]
async fn any_certificate_will_do_when_the_program_says_so() {
    let nobody = Ca::new().issue_with(&["other.test"], |p| p.not_after = date_time_ymd(2020, 1, 1));
    let server = serve(server_tls(&nobody)).await;
    assert_served(channel(server.address, ClientTls::new().dangerously_accept_any_certificate())).await;
}

#[tokio::test]
async fn a_configuration_of_ones_own_is_used_with_h2_put_in() {
    let ca = Ca::new();
    for alpn in [&[][..], &["http/1.1"], &["h2", "http/1.1"]] {
        let own = crate::support::own_server_config(&ca.issue(&[NAME]), alpn);
        let server = serve(evenkeel::ServerTls::from_config(Arc::new(own))).await;
        let tls = ClientTls::from_config(Arc::new(own_client_config(&ca, alpn)));
        assert_served(channel(server.address, tls)).await;
    }
}

#[tokio::test]
async fn tls_1_2_alone_is_enough() {
    let ca = Ca::new();
    let server = serve_with(|s| s.tls(server_tls(&ca.issue(&[NAME])))).await;
    let mut roots = rustls::RootCertStore::empty();
    let der = rustls::pki_types::pem::PemObject::from_pem_slice(ca.pem.as_bytes());
    roots.add(der.unwrap()).unwrap();
    let own = rustls::ClientConfig::builder_with_provider(crate::support::ring())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    assert_served(channel(server.address, ClientTls::from_config(Arc::new(own)))).await;
}

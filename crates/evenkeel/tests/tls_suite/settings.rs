//! Settings that cannot be used, and what is said about them.

use std::io::ErrorKind;
use std::sync::Arc;

use evenkeel::tls::{TlsError, TlsPart};
use evenkeel::{BindError, BuildError, Channel, ClientTls, Server, ServerTls};

use crate::certificates::Ca;
use crate::support::{own_client_config, own_server_config, trusting};

const GARBLED: &str = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
const CUT_OFF: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n";
const NOT_DER: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

fn client_error(tls: ClientTls) -> TlsError {
    match Channel::builder("ipv4:127.0.0.1:1").tls(tls).build() {
        Err(BuildError::Tls(error)) => error,
        other => panic!("expected an error of TLS, got {other:?}"),
    }
}

async fn server_error(tls: ServerTls) -> TlsError {
    match Server::builder().tls(tls).bind("127.0.0.1:0").await {
        Err(BindError::Tls(error)) => error,
        other => panic!("expected an error of TLS, got {other:?}"),
    }
}

#[test]
fn each_part_of_a_client_is_named() {
    let ca = Ca::new();
    let good = ca.issue(&["client.test"]);
    let (path, kind) = ("/does/not/exist.pem", ErrorKind::NotFound);
    let unreadable = |part| TlsError::Unreadable { part, path: path.into(), kind };
    assert_eq!(client_error(ClientTls::new().ca_file(path)), unreadable(TlsPart::Roots));
    let keyless = trusting(&ca).identity_files(path, path);
    assert_eq!(client_error(keyless), unreadable(TlsPart::ClientCertificate));

    let (roots, chain, key) = (TlsPart::Roots, TlsPart::ClientCertificate, TlsPart::ClientKey);
    let damaged = |part| TlsError::Damaged { part, path: None };
    assert_eq!(client_error(ClientTls::new().ca_pem(GARBLED)), damaged(roots));
    assert_eq!(client_error(trusting(&ca).identity_pem(GARBLED, &good.key)), damaged(chain));
    assert_eq!(client_error(trusting(&ca).identity_pem(&good.chain, CUT_OFF)), damaged(key));

    let missing = |part| TlsError::Missing { part, path: None };
    assert_eq!(client_error(ClientTls::new().ca_pem("")), missing(roots));
    assert_eq!(client_error(trusting(&ca).identity_pem(&good.key, &good.chain)), missing(chain));
    assert_eq!(client_error(trusting(&ca).identity_pem(&good.chain, &good.chain)), missing(key));

    let unusable = |part| TlsError::Unusable { part, path: None };
    assert_eq!(client_error(ClientTls::new().ca_pem(NOT_DER)), unusable(roots));
    assert_eq!(client_error(trusting(&ca).identity_pem(NOT_DER, &good.key)), unusable(chain));

    let other = ca.issue(&["client.test"]);
    let mismatch = TlsError::KeyMismatch { part: key, path: None };
    assert_eq!(client_error(trusting(&ca).identity_pem(&good.chain, other.key)), mismatch);
}

#[tokio::test]
async fn each_part_of_a_server_is_named() {
    let ca = Ca::new();
    let good = ca.issue(&["pod.test"]);
    let (chain, key, roots) = (TlsPart::ServerCertificate, TlsPart::ServerKey, TlsPart::ClientRoots);
    let missing = |part| TlsError::Missing { part, path: None };
    assert_eq!(server_error(ServerTls::pem("", &good.key)).await, missing(chain));
    assert_eq!(server_error(ServerTls::pem(&good.chain, "")).await, missing(key));
    let tls = ServerTls::pem(&good.chain, &good.key);
    assert_eq!(server_error(tls.clone().client_ca_pem("")).await, missing(roots));
    let other = ca.issue(&["pod.test"]);
    let mismatch = TlsError::KeyMismatch { part: key, path: None };
    assert_eq!(server_error(ServerTls::pem(&good.chain, other.key)).await, mismatch);
    let own = ServerTls::from_config(Arc::new(own_server_config(&good, &[])));
    assert_eq!(server_error(own.client_ca_pem(&ca.pem)).await, TlsError::OwnConfig { part: roots });
}

#[test]
fn texts_name_the_file_and_what_to_do() {
    let key = TlsError::Missing { part: TlsPart::ClientKey, path: Some("k.pem".into()) };
    let expected =
        "the client key `k.pem` holds no private key in PEM; an encrypted one has to be decrypted first";
    assert_eq!(key.to_string(), expected);
    let kind = ErrorKind::PermissionDenied;
    let file = TlsError::Unreadable { part: TlsPart::Roots, path: "ca.pem".into(), kind };
    assert_eq!(file.to_string(), "cannot read the root certificate `ca.pem`: permission denied");
    assert!(file.is_material() && !TlsError::Versions.is_material());
}

#[test]
fn names_that_contradict_or_are_none() {
    let tls = || trusting(&Ca::new()).server_name("a.test");
    let build =
        |authority: &str| Channel::builder("ipv4:127.0.0.1:1").authority(authority).tls(tls()).build();
    assert!(build("A.test:443").is_ok());
    let (authority, server_name) = ("b.test:443".to_owned(), "a.test".to_owned());
    let expected = BuildError::Tls(TlsError::NamesDiffer { authority, server_name });
    assert_eq!(build("b.test:443").unwrap_err(), expected);
    let name = "not_a*name".to_owned();
    assert_eq!(client_error(trusting(&Ca::new()).server_name(&name)), TlsError::ServerName { name });
}

#[test]
fn nothing_is_silently_overruled_by_a_configuration_of_ones_own() {
    let ca = Ca::new();
    let own = || ClientTls::from_config(Arc::new(own_client_config(&ca, &[])));
    let roots = TlsError::OwnConfig { part: TlsPart::Roots };
    assert_eq!(client_error(own().ca_pem(&ca.pem)), roots);
    assert_eq!(client_error(own().platform_roots(true)), roots);
    assert_eq!(client_error(own().dangerously_accept_any_certificate()), roots);
    let identity = own().identity_pem("", "");
    assert_eq!(client_error(identity), TlsError::OwnConfig { part: TlsPart::ClientCertificate });
}

#[test]
fn keys_are_never_shown() {
    let issued = Ca::new().issue(&["pod.test"]);
    let secret = issued.key.lines().nth(1).unwrap();
    let client = ClientTls::new().identity_pem(&issued.chain, &issued.key);
    let server = ServerTls::pem(&issued.chain, &issued.key);
    let shown = format!("{client:?} {server:?} {:?}", Server::builder().tls(server.clone()));
    assert!(shown.contains("PEM") && !shown.contains(secret), "{shown}");
    // Nor by an error about a key that is good in itself.
    let error = client_error(ClientTls::new().identity_pem(GARBLED, &issued.key));
    assert!(!format!("{error} {error:?}").contains(secret));
}

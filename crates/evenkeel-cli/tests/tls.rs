//! Pods and loads under TLS, with files as an operator has them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{Pod, evenkeel, load, run, stderr};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A folder with a CA, and with what it issued for a pod and for a client. Removed when dropped.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("evenkeel-tls-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir(&folder).unwrap();
        let files = Self(folder);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        files.write("ca.pem", &params.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(params, key);
        for who in ["pod", "client"] {
            let params = CertificateParams::new(vec![format!("{who}.test")]).unwrap();
            let key = KeyPair::generate().unwrap();
            files.write(&format!("{who}.pem"), &params.signed_by(&key, &issuer).unwrap().pem());
            files.write(&format!("{who}.key"), &key.serialize_pem());
        }
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const CALLS: [&str; 4] = ["-n", "20", "--timeout", "30s"];

#[test]
fn a_pod_under_tls() {
    let files = Files::new();
    let [cert, key, ca] = ["pod.pem", "pod.key", "ca.pem"].map(|name| files.path(name));
    let mut pod = Pod::start("secret", &["--tls-cert", &cert, "--tls-key", &key]);
    let target = pod.target();
    let served = |flags: &[&str]| {
        let (code, document) = load(&[&[&*target][..], &CALLS, flags].concat());
        assert_eq!((code, &document["ok"]), (0, &20.into()), "{flags:?}: {document}");
        assert_eq!(document["endpoints"][0]["name"], "secret");
    };
    served(&["--cacert", &ca, "--authority", "pod.test"]);
    served(&["--insecure"]);
    // The certificate is for a name, and the target says an address.
    let refused = |flags: &[&str], cause: &str| {
        let output = run(&[&["load", &*target, "-n", "1"][..], flags].concat());
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(cause), "{flags:?}: {}", stderr(&output));
    };
    refused(&["--cacert", &ca], "certificate is for pod.test, not for `127.0.0.1`");
    refused(&[], "the server speaks TLS, and this channel does not");
    assert_eq!(pod.calls(), 40);
    pod.signal("TERM");
    let (status, said) = pod.wait();
    assert!(status.success(), "{said}");
    assert!(said.ends_with("served 40 calls\n"), "{said}");
}

#[test]
fn a_pod_that_wants_to_know_its_clients() {
    let files = Files::new();
    let path = |name| files.path(name);
    let [cert, key, ca] = ["pod.pem", "pod.key", "ca.pem"].map(path);
    let pod = Pod::start("secret", &["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &ca]);
    let target = pod.target();
    let [cert, key] = ["client.pem", "client.key"].map(path);
    let trust = ["--cacert", &ca, "--authority", "pod.test"];
    let known = ["--cert", &cert, "--key", &key];
    let (code, document) = load(&[&[&*target][..], &CALLS, &trust, &known].concat());
    assert_eq!((code, &document["ok"]), (0, &20.into()), "{document}");
    let output = run(&[&["load", &*target, "-n", "1"][..], &trust].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("the server wants a client certificate"), "{}", stderr(&output));
}

#[test]
fn the_platforms_cas_are_those_of_the_surroundings() {
    let files = Files::new();
    let [cert, key, ca, absent] = ["pod.pem", "pod.key", "ca.pem", "absent.pem"].map(|name| files.path(name));
    let pod = Pod::start("secret", &["--tls-cert", &cert, "--tls-key", &key]);
    let target = pod.target();
    let load_with = |roots: &str| {
        let mut command =
            evenkeel(&["load", &target, "-n", "5", "--timeout", "30s", "--tls", "--authority", "pod.test"]);
        command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR").output().unwrap()
    };
    let output = load_with(&ca);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = load_with(&absent);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("no root certificates"), "{}", stderr(&output));
}

#[test]
fn files_that_cannot_be_used_are_3_and_are_named() {
    let files = Files::new();
    let path = |name| files.path(name);
    let [cert, key, absent] = ["pod.pem", "pod.key", "absent.pem"].map(path);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--name", "a", "--tls-cert"];
    for words in [
        [&serve[..], &[&absent, "--tls-key", &key]].concat(),
        [&serve[..], &[&cert, "--tls-key", &absent]].concat(),
        [&serve[..], &[&cert, "--tls-key", &key, "--tls-client-ca", &absent]].concat(),
        vec!["load", "ipv4:127.0.0.1:1", "--cacert", &absent],
        vec!["load", "ipv4:127.0.0.1:1", "--cert", &cert, "--key", &absent],
    ] {
        let output = run(&words);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(&absent), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    // A key where a certificate should be: said without showing it.
    let output = run(&["load", "ipv4:127.0.0.1:1", "--cacert", &key]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("holds no certificate in PEM"), "{}", stderr(&output));
}

#[test]
fn probes_of_a_pod_under_tls_have_a_port_of_plain_text() {
    let files = Files::new();
    let [cert, key] = ["pod.pem", "pod.key"].map(|name| files.path(name));
    let mut pod =
        Pod::start("secret", &["--tls-cert", &cert, "--tls-key", &key, "--health-listen", "127.0.0.1:0"]);
    let address = pod.line().strip_prefix("health ").expect("where its health is").to_owned();
    let target = format!("ipv4:{address}");
    let (code, document) =
        load(&[&[&*target][..], &CALLS, &["--method", "grpc.health.v1.Health/Check"]].concat());
    assert_eq!((code, &document["ok"]), (0, &20.into()), "{document}");
    let (code, document) = load(&[&[&*target][..], &CALLS].concat());
    assert_eq!(
        (code, &document["failed"]["UNIMPLEMENTED"]),
        (1, &20.into()),
        "health and nothing else: {document}"
    );
    assert_eq!(pod.calls(), 0, "probes are not the pod's calls");
    pod.signal("TERM");
    let (status, said) = pod.wait();
    assert!(status.success(), "{said}");
}

//! TLS on both sides, and a client that says who it is (mTLS): `cargo run -p evenkeel --example tls`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use evenkeel::{Channel, ClientTls, Server, ServerTls};
use evenkeel_testkit::school::school_client::SchoolClient;
use evenkeel_testkit::school::school_server::{School, SchoolServer};
use evenkeel_testkit::school::{GetSchoolRequest, GetSchoolResponse};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tonic::{Request, Response, Status};

struct WhoCalls;

#[tonic::async_trait]
impl School for WhoCalls {
    async fn get_school(
        &self,
        request: Request<GetSchoolRequest>,
    ) -> Result<Response<GetSchoolResponse>, Status> {
        // Verified already; what such a client may do is the handler's business.
        let certificates = request.peer_certs().map_or(0, |certificates| certificates.len());
        println!("a client with {certificates} certificate calls");
        Ok(Response::new(GetSchoolResponse::default()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Certificates { ca, server, client } = Certificates::make()?;

    // In a pod: ServerTls::files("/etc/tls/tls.crt", "/etc/tls/tls.key").client_ca_file("/etc/tls/ca.crt")
    let tls = ServerTls::pem(&server.0, &server.1).client_ca_pem(&ca);
    let bound =
        Server::builder().tls(tls).add_service(SchoolServer::new(WhoCalls)).bind("127.0.0.1:0").await?;
    let address = bound.local_addr().ok_or("not on TCP")?;
    let handle = bound.handle();
    let serving = tokio::spawn(bound.serve());

    // Pods are reached by IP address; what their certificate carries is the Service's name.
    let tls = ClientTls::new()
        .ca_pem(&ca)
        .identity_pem(&client.0, &client.1)
        .server_name("school-internal-headless");
    let channel = Channel::builder(format!("ipv4:{address}")).tls(tls).build()?;
    SchoolClient::new(channel).get_school(GetSchoolRequest { id: 7 }).await?;

    // A client without a certificate does not get as far as a call.
    let tls = ClientTls::new().ca_pem(&ca).server_name("school-internal-headless");
    let channel = Channel::builder(format!("ipv4:{address}")).tls(tls).build()?;
    match SchoolClient::new(channel).get_school(GetSchoolRequest { id: 7 }).await {
        Ok(_) => return Err("a client without a certificate was served".into()),
        Err(status) => println!("without a certificate: {}", status.message()),
    }
    handle.stop();
    serving.await??;
    Ok(())
}

/// A chain and its key, in PEM.
type Identity = (String, String);

/// Made for this run; in a cluster cert-manager or the like makes them.
struct Certificates {
    ca: String,
    server: Identity,
    client: Identity,
}

impl Certificates {
    fn make() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let ca = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let issue = |name: &str| -> Result<Identity, rcgen::Error> {
            let key = KeyPair::generate()?;
            let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &issuer)?;
            Ok((certificate.pem(), key.serialize_pem()))
        };
        let (server, client) = (issue("school-internal-headless")?, issue("manage-service")?);
        Ok(Self { ca, server, client })
    }
}

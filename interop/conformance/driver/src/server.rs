//! The server under test: serves as it is told on stdin, says where on stdout, and ends at SIGTERM.

use evenkeel::{Server, ServerTls};
use tokio::io::{stdin, stdout};
use tonic::codec::CompressionEncoding;

use crate::proto::conformance_service_server::ConformanceServiceServer;
use crate::proto::{ServerCompatRequest, ServerCompatResponse};
use crate::service::Conformance;
use crate::trailers::WithTrailers;
use crate::{Failure, wire};

const HOST: &str = "127.0.0.1";

pub(crate) async fn run() -> Result<(), Failure> {
    let request: ServerCompatRequest =
        wire::read(&mut stdin()).await?.ok_or("stdin ended before the request")?;
    let mut service = ConformanceServiceServer::new(Conformance)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    if request.message_receive_limit != 0 {
        service = service.max_decoding_message_size(usize::try_from(request.message_receive_limit)?);
    }
    let mut builder = Server::builder().add_service(WithTrailers(service));
    let mut pem_cert = Vec::new();
    if request.use_tls {
        let creds = request.server_creds.ok_or("TLS without the server's credentials")?;
        let mut tls = ServerTls::pem(&creds.cert, &creds.key);
        if !request.client_tls_cert.is_empty() {
            tls = tls.client_ca_pem(&request.client_tls_cert);
        }
        builder = builder.tls(tls);
        pem_cert = creds.cert;
    }
    let server = builder.bind(format!("{HOST}:0")).await?;
    let address = server.local_addr().ok_or("a TCP listener without an address")?;
    let response = ServerCompatResponse { host: HOST.to_owned(), port: address.port().into(), pem_cert };
    wire::write(&mut stdout(), &response).await?;
    server.serve_until(evenkeel::signal::terminate()).await?;
    Ok(())
}

//! A server with the Echo service, and clients for it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel::{BoundServer, DrainReport, ServeError, Server, ServerBuilder, ServerHandle};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawClient};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};

pub(crate) const UNARY: &str = "/evenkeel.test.v1.Echo/Unary";
pub(crate) const BIDI: &str = "/evenkeel.test.v1.Echo/Bidi";
/// The last stream id of a first GOAWAY.
pub(crate) const ALL: u32 = i32::MAX as u32;
/// Long: only a server that does not keep its promise waits for it.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// A server that serves in a task of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) service: EchoService,
    pub(crate) handle: ServerHandle,
    task: JoinHandle<Result<DrainReport, ServeError>>,
}

/// Serves Echo with the settings of `configure`.
pub(crate) async fn serve(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Running {
    let service = EchoService::new("server");
    let builder = configure(Server::builder()).add_service(service.clone().into_server());
    run(builder.bind("127.0.0.1:0").await.unwrap(), service)
}

/// Serves Echo with the settings of `configure` on one connection of the test's own.
pub(crate) fn serve_over<IO>(io: IO, configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Running
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let service = EchoService::new("server");
    let builder = configure(Server::builder()).add_service(service.clone().into_server());
    run(builder.bind_incoming(tokio_stream::once(Ok::<_, io::Error>(io))).unwrap(), service)
}

/// Serves what is bound.
pub(crate) fn run(bound: BoundServer, service: EchoService) -> Running {
    run_until(bound, service, std::future::pending::<()>())
}

pub(crate) fn run_until(
    bound: BoundServer,
    service: EchoService,
    signal: impl evenkeel::signal::ShutdownSignal + 'static,
) -> Running {
    let address = bound.local_addr().unwrap_or_else(|| ([0, 0, 0, 0], 0).into());
    let handle = bound.handle();
    Running { address, service, handle, task: tokio::spawn(bound.serve_until(signal)) }
}

impl Running {
    /// tonic's client on a connection of its own.
    pub(crate) async fn client(&self) -> EchoClient<Channel> {
        EchoClient::new(self.channel().await).max_decoding_message_size(usize::MAX)
    }

    pub(crate) async fn channel(&self) -> Channel {
        Endpoint::new(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn raw(&self) -> RawClient {
        RawClient::connect(self.address, Automatic::default()).await
    }

    /// A raw client that does not ACK the shutdown PING.
    pub(crate) async fn raw_without_acks(&self) -> RawClient {
        RawClient::connect(self.address, Automatic::default().without_ping_acks()).await
    }

    /// How it ended.
    pub(crate) async fn report(self) -> DrainReport {
        within("the server's end", self.task).await.unwrap().unwrap()
    }
}

pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Asks again until it holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

pub(crate) fn slow(delay: Duration) -> EchoRequest {
    EchoRequest { delay_ms: delay.as_millis() as u32, ..EchoRequest::default() }
}

pub(crate) fn with_payload(payload: impl Into<Vec<u8>>) -> EchoRequest {
    EchoRequest { payload: payload.into(), ..EchoRequest::default() }
}

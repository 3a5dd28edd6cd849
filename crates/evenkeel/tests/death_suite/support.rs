//! Calls, and what they are told.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel::{Backoff, Channel, ChannelBuilder, Server};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{DEADLINE, RawConnection, RawServer};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};

pub(crate) type Client = EchoClient<Channel>;

/// An attempt deadline short enough to see it pass.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(400);

/// Waits for something that must happen, however slow the machine is.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}"),
    }
}

/// Attempts that are given up soon and made again soon.
pub(crate) fn hasty(builder: ChannelBuilder) -> ChannelBuilder {
    builder.connect_timeout(CONNECT_TIMEOUT).backoff(quick_backoff())
}

/// The first delay of [`quick_backoff`].
pub(crate) const FIRST_BACKOFF: Duration = Duration::from_millis(100);

pub(crate) fn quick_backoff() -> Backoff {
    let short = Backoff::new().initial(FIRST_BACKOFF).max(Duration::from_secs(10));
    short.multiplier(2.0).jitter(0.0)
}

/// A channel to one address only, so that its calls are told what is wrong there.
pub(crate) fn only(address: SocketAddr) -> Client {
    EchoClient::new(hasty(Channel::builder(format!("ipv4:{address}"))).build().unwrap())
}

pub(crate) fn message(text: &str) -> EchoRequest {
    EchoRequest { payload: text.as_bytes().to_vec(), ..EchoRequest::default() }
}

pub(crate) fn answer(name: &str) -> EchoResponse {
    EchoResponse { served_by: name.to_owned(), ..EchoResponse::default() }
}

/// A unary call with a deadline.
pub(crate) async fn call(client: &Client, timeout: Duration) -> Result<Response<EchoResponse>, Status> {
    let mut request = Request::new(message("a call"));
    request.set_timeout(timeout);
    within("the end of a call", client.clone().unary(request)).await
}

/// What a call that must fail is told, and after how long. It has no deadline of its own.
pub(crate) async fn refusal(client: &Client) -> (Status, Duration) {
    let started = Instant::now();
    let mut client = client.clone();
    let call = client.unary(Request::new(message("a call")));
    let status = within("the end of a call", call).await.expect_err("nobody can answer");
    (status, started.elapsed())
}

/// UNAVAILABLE, with the endpoint and each of `causes` in its text.
pub(crate) fn assert_unavailable(status: &Status, endpoint: SocketAddr, causes: &[&str]) {
    assert_status(status, Code::Unavailable, endpoint, causes);
}

pub(crate) fn assert_status(status: &Status, code: Code, endpoint: SocketAddr, causes: &[&str]) {
    assert_eq!(status.code(), code, "{status:?}");
    for text in [&*endpoint.to_string()].iter().chain(causes) {
        assert!(status.message().contains(text), "says {text:?}: {status:?}");
    }
}

/// Our own server on the current runtime; it ends with the test.
pub(crate) async fn ours(name: &str) -> SocketAddr {
    let server = Server::builder().add_service(EchoService::new(name).into_server());
    let server = server.bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(server.serve_until(std::future::pending::<()>()));
    address
}

/// Answers every request on the connection as the pod `name`, until the future is dropped.
pub(crate) async fn serve(connection: &RawConnection, name: &str) {
    loop {
        let (stream, _) = connection.expect_request().await;
        connection.respond(stream, &answer(name)).await;
    }
}

/// The next connection, which answers every request as `name` until `until` is done.
pub(crate) async fn serve_until<T>(
    server: &RawServer,
    name: &str,
    until: impl Future<Output = T>,
) -> (RawConnection, T) {
    let connection = server.accept().await;
    let done = tokio::select! {
        done = until => done,
        () = serve(&connection, name) => unreachable!("it serves for ever"),
    };
    (connection, done)
}

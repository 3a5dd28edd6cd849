//! How a server ends, and what it reports.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel::Server;
use evenkeel::signal::ShutdownSignal;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::leaks::Resources;
use evenkeel_testkit::proto::EchoResponse;
use evenkeel_testkit::raw::{Automatic, RawClient};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tonic::Code;

use crate::support::{NEVER, Running, UNARY, eventually, run_until, serve, slow, with_payload};

const SOON: Duration = Duration::from_millis(200);

/// Calls that are being handled, each on its own connection.
async fn busy(server: &Running, delays: &[Duration]) -> Vec<RawClient> {
    let mut clients = Vec::new();
    for delay in delays {
        let client = server.raw().await;
        client.call(UNARY, &slow(*delay)).await;
        clients.push(client);
    }
    let count = delays.len() as u64;
    eventually("the handlers", || server.service.calls() == count).await;
    clients
}

async fn refused(server_address: std::net::SocketAddr) {
    crate::support::within("the listener's end", async {
        while TcpStream::connect(server_address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_clean_drain_finishes_what_runs_and_refuses_what_comes() {
    let server = serve(|s| s).await;
    let before = server.raw().await;
    let stream = before.call(UNARY, &with_payload("before")).await;
    before.expect_messages::<EchoResponse>(stream).await;
    let clients = busy(&server, &[SOON, SOON]).await;
    // `busy` counts calls from the first one on.
    server.handle.drain(NEVER);
    refused(server.address).await;
    for client in &clients {
        assert_eq!(client.expect_messages::<EchoResponse>(1).await.len(), 1);
        client.expect_closed().await;
    }
    let report = server.report().await;
    assert_eq!((report.calls_served, report.calls_finished, report.calls_cut), (3, 2, 0));
    assert_eq!((report.connections_drained, report.connections_cut), (3, 0));
    assert!(report.is_clean());
}

#[tokio::test]
async fn the_deadline_cuts_and_says_so() {
    let server = serve(|s| s).await;
    let clients = busy(&server, &[SOON, NEVER, NEVER]).await;
    server.handle.drain(SOON * 4);
    clients[0].expect_messages::<EchoResponse>(1).await;
    let report = server.report().await;
    assert_eq!((report.calls_finished, report.calls_cut), (1, 2));
    assert_eq!((report.connections_drained, report.connections_cut), (1, 2));
    assert!(!report.is_clean());
    for client in clients {
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn stop_ends_at_once_in_the_middle_of_a_drain_too() {
    for drain_first in [false, true] {
        let server = serve(|s| s).await;
        let clients = busy(&server, &[NEVER]).await;
        if drain_first {
            server.handle.drain(NEVER);
            clients[0].expect_go_away().await;
        }
        server.handle.stop();
        let report = server.report().await;
        assert_eq!((report.calls_cut, report.connections_cut), (1, 1), "drained first: {drain_first}");
        clients[0].expect_closed().await;
    }
}

#[tokio::test]
async fn a_drain_asked_for_before_serving_holds() {
    let service = EchoService::new("server").into_server();
    let bound = Server::builder().add_service(service).bind("127.0.0.1:0").await.unwrap();
    bound.handle().drain(NEVER);
    assert!(bound.serve().await.unwrap().is_clean());
}

/// A signal that fires at each message.
struct Messages(mpsc::UnboundedReceiver<()>);

impl ShutdownSignal for Messages {
    fn poll_signal(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    fn fires_again(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (signals, receiver) = mpsc::unbounded_channel();
    let service = EchoService::new("server");
    let builder = Server::builder().drain_timeout(NEVER).add_service(service.clone().into_server());
    let server = run_until(builder.bind("127.0.0.1:0").await.unwrap(), service, Messages(receiver));
    let clients = busy(&server, &[NEVER]).await;
    signals.send(()).unwrap();
    assert_eq!(clients[0].expect_go_away().await.2, "graceful_stop");
    signals.send(()).unwrap();
    assert_eq!(server.report().await.calls_cut, 1);
}

#[tokio::test]
async fn a_future_as_signal_drains_with_the_builders_deadline() {
    let (signal, fired) = tokio::sync::oneshot::channel::<()>();
    let service = EchoService::new("server");
    let builder = Server::builder().drain_timeout(SOON).add_service(service.clone().into_server());
    let server = run_until(builder.bind("127.0.0.1:0").await.unwrap(), service, fired);
    let clients = busy(&server, &[NEVER]).await;
    signal.send(()).unwrap();
    let report = server.report().await;
    assert_eq!(report.calls_cut, 1);
    clients[0].expect_closed().await;
}

#[tokio::test]
async fn tonics_client_sees_no_error_when_the_server_drains_under_it() {
    let server = serve(|s| s).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.unary(slow(SOON)).await });
    eventually("the handler", || server.service.calls() == 1).await;
    server.handle.drain(NEVER);
    call.await.unwrap().unwrap();
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn a_cut_call_is_unavailable_to_tonics_client() {
    let server = serve(|s| s).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.unary(slow(NEVER)).await });
    eventually("the handler", || server.service.calls() == 1).await;
    server.handle.stop();
    assert_ne!(call.await.unwrap().unwrap_err().code(), Code::Ok);
}

#[tokio::test]
async fn a_client_in_the_handshake_does_not_hold_up_a_drain() {
    let server = serve(|s| s).await;
    let silent = RawClient::connect(server.address, Automatic::silent()).await;
    // It is accepted after this one, whose answer shows that the server runs.
    let other = server.raw().await;
    let stream = other.call(UNARY, &with_payload("x")).await;
    other.expect_messages::<EchoResponse>(stream).await;
    server.handle.drain(NEVER);
    assert!(server.report().await.is_clean());
    silent.expect_closed().await;
}

#[tokio::test]
async fn no_task_survives_a_server() {
    let before = Resources::now().tasks;
    let server = serve(|s| s).await;
    let clients = busy(&server, &[NEVER, NEVER]).await;
    server.handle.stop();
    server.report().await;
    drop(clients);
    Resources { tasks: before, descriptors: usize::MAX }.wait_until_back().await;
}

#[tokio::test]
async fn no_task_survives_a_server_that_is_dropped() {
    let before = Resources::now().tasks;
    let service = EchoService::new("server");
    let bound = Server::builder().add_service(service.clone().into_server()).bind("127.0.0.1:0");
    let bound = bound.await.unwrap();
    let address = bound.local_addr().unwrap();
    let serving = tokio::spawn(bound.serve());
    let client = RawClient::connect(address, Automatic::default()).await;
    client.call(UNARY, &slow(NEVER)).await;
    eventually("the handler", || service.calls() == 1).await;
    serving.abort();
    client.expect_closed().await;
    drop(client);
    let _ = serving.await;
    Resources { tasks: before, descriptors: usize::MAX }.wait_until_back().await;
}

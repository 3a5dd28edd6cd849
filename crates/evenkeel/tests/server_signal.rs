//! Real signals. Alone in its binary: they belong to the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::process::Command;
use std::time::Duration;

use evenkeel::Server;
use evenkeel::signal::terminate;
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::raw::{Automatic, DEADLINE, RawClient};

fn signal_ourselves(signal: &str) {
    let status = Command::new("kill").args([signal, &std::process::id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn sigterm_drains_and_a_second_signal_ends_at_once() {
    let never = Duration::from_secs(600);
    let service = EchoService::new("server");
    let builder = Server::builder().drain_timeout(never).add_service(service.into_server());
    let bound = builder.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    let serving = tokio::spawn(bound.serve_until(terminate()));

    let client = RawClient::connect(address, Automatic::default()).await;
    let request = EchoRequest { delay_ms: never.as_millis() as u32, ..EchoRequest::default() };
    client.call("/evenkeel.test.v1.Echo/Unary", &request).await;
    // The server has polled the signal, and so installed its handler, before it accepted us.
    client.barrier().await;
    signal_ourselves("-TERM");
    assert_eq!(client.expect_go_away().await.2, "graceful_stop");
    assert_eq!(client.expect_go_away().await.0, 1);
    signal_ourselves("-INT");
    let report = tokio::time::timeout(DEADLINE, serving).await.expect("it ends").unwrap().unwrap();
    assert_eq!((report.calls_cut, report.connections_cut), (1, 1));

    // It can be awaited, too.
    let awaited = tokio::spawn(async { terminate().await });
    while !awaited.is_finished() {
        signal_ourselves("-TERM");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! Connections that age all the time cost no call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use evenkeel::{Channel, Event, Observer, Server};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::DEADLINE;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;

/// Longer than the second within which a connection that served nobody counts as a failed attempt.
const AGE: Duration = Duration::from_millis(1_200);
const SERVERS: [&str; 4] = ["a", "b", "c", "d"];
const GOAWAYS: u64 = 12;

#[derive(Debug, Default)]
struct GoAways(AtomicU64);

impl Observer for GoAways {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::GoAway(_)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Tasks call without pause, some of them streams that outlive their connection's last moment, until the servers have
/// sent so many GOAWAYs.
async fn assert_no_call_is_lost(target: String) {
    let goaways = Arc::new(GoAways::default());
    let channel = Channel::builder(target).observer(goaways.clone()).build().unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8_u64 {
        let mut client = EchoClient::new(channel.clone());
        let goaways = Arc::clone(&goaways);
        callers.spawn(async move {
            let begun = Instant::now();
            while goaways.0.load(Ordering::Relaxed) < GOAWAYS && begun.elapsed() < DEADLINE {
                if caller % 2 == 0 {
                    slow_stream(&mut client).await;
                } else {
                    client.unary(EchoRequest::default()).await.expect("no call is lost");
                }
            }
        });
    }
    callers.join_all().await;
    assert!(goaways.0.load(Ordering::Relaxed) >= GOAWAYS, "connections aged");
}

/// A bidirectional call of some hundred milliseconds, so that some always run when a GOAWAY comes.
async fn slow_stream(client: &mut EchoClient<Channel>) {
    let messages = tokio_stream::iter((0..3).map(|_| EchoRequest { delay_ms: 60, ..EchoRequest::default() }));
    let response = client.bidi(messages).await.expect("no call is lost");
    let answers: Vec<_> = response.into_inner().collect().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_our_servers() {
    let mut addresses = Vec::new();
    let mut handles = Vec::new();
    for name in SERVERS {
        let server = Server::builder()
            .max_connection_age(AGE)
            .max_connection_age_grace(Duration::from_secs(60))
            .add_service(EchoService::new(name).into_server())
            .bind("127.0.0.1:0")
            .await
            .unwrap();
        addresses.push(server.local_addr().unwrap().to_string());
        handles.push(server.handle());
        tokio::spawn(server.serve());
    }
    assert_no_call_is_lost(format!("ipv4:{}", addresses.join(","))).await;
    for handle in handles {
        handle.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_tonics_servers() {
    let mut addresses = Vec::new();
    for name in SERVERS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap().to_string());
        let router = tonic::transport::Server::builder()
            .max_connection_age(AGE)
            .add_service(EchoService::new(name).into_server());
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    }
    assert_no_call_is_lost(format!("ipv4:{}", addresses.join(","))).await;
}

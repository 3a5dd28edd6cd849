//! Ten thousand endpoints, of which nearly none answers, and a thousand descriptors.
//!
//! The limit is a whole process' own: the test runs itself again under it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::SubchannelStateChanged;
use evenkeel::{Address, Backoff, CallOptions, Channel, Endpoint, Event, Manual, Observer};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Request;

const LIMITED: &str = "EVENKEEL_TEST_FEW_DESCRIPTORS";
const ENDPOINTS: usize = 10_000;
const PODS: usize = 20;
/// How an attempt fails that nobody answers.
const NOBODY: &str = "no connection after";

#[test]
fn ten_thousand_endpoints_need_no_ten_thousand_descriptors() {
    if std::env::var_os(LIMITED).is_some() {
        return limited();
    }
    let again =
        r#"ulimit -n 1024 && exec "$0" --exact ten_thousand_endpoints_need_no_ten_thousand_descriptors"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", again]).arg(std::env::current_exe().unwrap()).env(LIMITED, "1");
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "it ran: {said}");
}

/// What attempts failed with, by where they went.
#[derive(Debug, Default)]
struct Causes(Mutex<HashMap<Address, String>>);

impl Observer for Causes {
    fn on_event(&self, event: &Event) {
        if let Event::SubchannelState(SubchannelStateChanged { address, cause: Some(cause), .. }) = event {
            let mut causes = self.0.lock().unwrap();
            let text = causes.entry(address.clone()).or_default();
            // The first that is of another kind than the rest is worth keeping.
            if text.is_empty() || text.contains(NOBODY) {
                *text = cause.text().to_string();
            }
        }
    }
}

/// A socket that answers nobody, on every address of 127.0.0.0/8: its queue is full, and the kernel drops what comes.
fn deaf() -> (Socket, std::net::TcpStream, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    let queued = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    (socket, queued, port)
}

#[tokio::main(flavor = "current_thread")]
async fn limited() {
    let (_deaf, _queued, port) = deaf();
    let nobody = TcpStream::connect((Ipv4Addr::new(127, 1, 2, 3), port));
    assert!(timeout(Duration::from_millis(200), nobody).await.is_err(), "nobody answers there");
    let pods: Vec<TonicServer> = (0..PODS).map(|n| TonicServer::start(&n.to_string())).collect();
    let silent = (0..ENDPOINTS - PODS).map(|n| {
        let [_, _, c, d] = u32::try_from(n).unwrap().to_be_bytes();
        Endpoint::from(SocketAddr::from((Ipv4Addr::new(127, 9, c, d), port)))
    });
    let manual = Manual::new();
    manual.set(pods.iter().map(|pod| Endpoint::from(pod.address())).chain(silent));
    let causes = Arc::new(Causes::default());
    let observer = Arc::clone(&causes) as Arc<dyn Observer>;
    let builder = Channel::builder("manual:pods").resolver(manual).observer(observer);
    // A short backoff, since an attempt may take as long as that in any case.
    let patience = Duration::from_millis(250);
    let builder = builder.connect_timeout(patience).backoff(Backoff::new().initial(patience));
    let channel = builder.build().unwrap();
    let mut client = EchoClient::new(channel.clone());
    let mut call = async || {
        let mut request = Request::new(EchoRequest::default());
        request.extensions_mut().insert(CallOptions::new().wait_for_ready(true));
        client.unary(request).await.unwrap().into_inner().served_by
    };
    let all_tried = async {
        while channel.connections().len() < PODS || causes.0.lock().unwrap().len() < ENDPOINTS - PODS {
            call().await;
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(120), all_tried).await.expect("every endpoint gets its turn");
    let mut served: Vec<String> = Vec::new();
    for _ in 0..PODS {
        served.push(call().await);
    }
    served.sort();
    served.dedup();
    assert_eq!(served.len(), PODS, "all that answer are used");
    let causes = causes.0.lock().unwrap();
    let other = causes.values().find(|cause| !cause.contains(NOBODY));
    assert_eq!(other, None, "nobody answers; no attempt lacked a descriptor");
}

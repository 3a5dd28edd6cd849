//! Our channel and our server, each against tonic's own and against each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod aging;
mod bidi;
mod cases;
mod same;
#[cfg(target_os = "linux")]
mod transports;

use std::net::SocketAddr;

use evenkeel::{Channel, Server, ServerHandle};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;

/// Runs every case against a pair; `$start` makes a client, its server's service, and what keeps the server alive.
macro_rules! pair {
    ($pair:ident, $start:path, [$($case:path as $name:ident),* $(,)?]) => {
        mod $pair {
            $(
                #[tokio::test]
                async fn $name() {
                    let (client, service, _server) = $start().await;
                    $case(client, service).await;
                }
            )*
        }
    };
}

macro_rules! all_cases {
    ($pair:ident, $start:path) => {
        pair!(
            $pair,
            $start,
            [
                crate::cases::unary as unary,
                crate::cases::server_streaming as server_streaming,
                crate::cases::client_streaming as client_streaming,
                crate::cases::bidirectional as bidirectional,
                crate::cases::messages_of_one_mebibyte as messages_of_one_mebibyte,
                crate::cases::failures_bring_their_trailers as failures_bring_their_trailers,
                crate::cases::a_deadline_ends_the_call as a_deadline_ends_the_call,
                crate::cases::a_cancelled_stream_ends_at_the_server as a_cancelled_stream_ends_at_the_server,
                crate::cases::many_calls_at_once as many_calls_at_once,
                crate::bidi::ten_thousand_messages_each_way_before_the_first_is_read
                    as ten_thousand_messages_each_way_before_the_first_is_read,
            ]
        );
    };
}

all_cases!(our_channel_to_tonics_server, crate::our_channel_to_tonics_server);
all_cases!(tonics_channel_to_our_server, crate::tonics_channel_to_our_server);
all_cases!(our_channel_to_our_server, crate::our_channel_to_our_server);

pair!(
    small_frames_from_our_channel,
    crate::our_channel_to_our_server,
    [crate::bidi::ten_thousand_frames_before_the_first_is_read
        as ten_thousand_frames_before_the_first_is_read,]
);
pair!(
    small_frames_from_tonics_channel,
    crate::tonics_channel_to_our_server,
    [crate::bidi::ten_thousand_frames_before_the_first_is_read
        as ten_thousand_frames_before_the_first_is_read,]
);

/// Our server on a task of the test's runtime. Dropping it ends it.
struct OurServer {
    address: SocketAddr,
    handle: ServerHandle,
}

impl OurServer {
    async fn start(service: EchoService) -> Self {
        let server = Server::builder().add_service(service.into_server()).bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let handle = server.handle();
        tokio::spawn(server.serve());
        Self { address, handle }
    }
}

impl Drop for OurServer {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

async fn our_channel_to_tonics_server() -> (EchoClient<Channel>, EchoService, TonicServer) {
    let server = TonicServer::start("tonic");
    let channel = Channel::builder(server.target()).build().unwrap();
    (EchoClient::new(channel), server.service().clone(), server)
}

async fn tonics_channel_to_our_server() -> (EchoClient<tonic::transport::Channel>, EchoService, OurServer) {
    let service = EchoService::new("evenkeel");
    let server = OurServer::start(service.clone()).await;
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    (EchoClient::new(endpoint.connect_lazy()), service, server)
}

async fn our_channel_to_our_server() -> (EchoClient<Channel>, EchoService, OurServer) {
    let service = EchoService::new("evenkeel");
    let server = OurServer::start(service.clone()).await;
    let channel = Channel::builder(format!("ipv4:{}", server.address)).build().unwrap();
    (EchoClient::new(channel), service, server)
}

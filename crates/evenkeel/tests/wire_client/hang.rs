//! A server that hangs: its kernel takes what is sent, and nothing comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel::{Channel, ChannelBuilder};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::raw::{Automatic, Frame, RawConnection, RawServer, setting};

use super::support::{Client, answer, assert_unavailable, expect_unary, unary, within};

const SOON: Duration = Duration::from_millis(50);

/// Servers of which the first does not answer PINGs, and a client that is connected to both.
struct World {
    hung: RawServer,
    well: RawServer,
    client: Client,
    on_hung: RawConnection,
    on_well: RawConnection,
}

impl World {
    async fn new(settings: impl FnOnce(ChannelBuilder) -> ChannelBuilder) -> Self {
        Self::with_hung(Automatic::default(), settings).await
    }

    async fn with_hung(hung: Automatic, settings: impl FnOnce(ChannelBuilder) -> ChannelBuilder) -> Self {
        let hung = RawServer::start(hung.without_ping_acks()).await;
        let well = RawServer::start(Automatic::default()).await;
        let builder =
            Channel::builder(format!("ipv4:{},{}", hung.address(), well.address())).suspect_after(SOON);
        let channel = settings(builder).connect().await.unwrap();
        let (on_hung, on_well) = (hung.accept().await, well.accept().await);
        within("two connections", async {
            while channel.connections().len() < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Self { hung, well, client: EchoClient::new(channel), on_hung, on_well }
    }

    /// A call that the well server answers.
    async fn call_the_well_one(&self, text: &str) {
        let call = unary(&self.client, text);
        let (stream, seen) = expect_unary(&self.on_well).await;
        assert_eq!(seen, text);
        self.on_well.respond(stream, &answer(text)).await;
        assert_eq!(call.end().await.unwrap().payload, text.as_bytes());
    }

    /// Calls, in turn, until the hung server has one that it does not answer: its stream.
    async fn call_the_hung_one(&self) -> (super::support::Call<evenkeel_testkit::proto::EchoResponse>, u32) {
        let call = unary(&self.client, "hangs");
        tokio::select! {
            (stream, _) = expect_unary(&self.on_hung) => return (call, stream),
            (stream, _) = expect_unary(&self.on_well) => {
                self.on_well.respond(stream, &answer("")).await;
                call.end().await.unwrap();
            }
        }
        let call = unary(&self.client, "hangs");
        let (stream, _) = expect_unary(&self.on_hung).await;
        (call, stream)
    }
}

fn pings(connection: &RawConnection) -> usize {
    connection.received().iter().filter(|frame| matches!(frame, Frame::Ping { ack: false, .. })).count()
}

#[tokio::test]
async fn new_calls_leave_it_running_ones_go_on_and_a_sign_of_life_brings_it_back() {
    let world = World::new(|builder| builder).await;
    // Nobody comes to be connected to anew before the end.
    world.hung.set_automatic(Automatic::silent());
    let (call, stream) = world.call_the_hung_one().await;
    world.on_hung.expect_ping().await;
    let anew = world.hung.accept().await;
    for text in ["a", "b", "c", "d"] {
        world.call_the_well_one(text).await;
    }
    assert_eq!(pings(&world.on_hung), 1, "it was asked once");

    world.on_hung.respond(stream, &answer("late")).await;
    assert_eq!(call.end().await.unwrap().payload, b"late", "its own call went on");
    anew.expect_closed().await;
    let mut reached = BTreeSet::new();
    for _ in 0..2 {
        let call = unary(&world.client, "again");
        let (connection, stream, name) = tokio::select! {
            (stream, _) = expect_unary(&world.on_hung) => (&world.on_hung, stream, "hung"),
            (stream, _) = expect_unary(&world.on_well) => (&world.on_well, stream, "well"),
        };
        connection.respond(stream, &answer("")).await;
        call.end().await.unwrap();
        reached.insert(name);
    }
    assert_eq!(reached.len(), 2, "{reached:?}");
}

/// Nobody has seen it yet: it is free to go.
#[tokio::test]
async fn a_call_that_waits_for_a_stream_on_a_suspect_goes_elsewhere() {
    let one_stream = Automatic::default().settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)]);
    let world = World::with_hung(one_stream, |builder| builder).await;
    // Nobody comes to be connected to anew.
    world.hung.set_automatic(Automatic::silent());
    let (running, _) = world.call_the_hung_one().await;
    // In turn, so that one of them meets the hung one.
    let calls = ["one", "two"].map(|text| unary(&world.client, text));
    for _ in &calls {
        let (stream, text) = expect_unary(&world.on_well).await;
        world.on_well.respond(stream, &answer(&text)).await;
    }
    for call in calls {
        call.end().await.unwrap();
    }
    assert!(!running.is_over(), "the suspect's end would have freed them all");
}

#[tokio::test]
async fn of_two_connections_to_one_that_was_slow_the_newer_one_goes() {
    let world = World::new(|builder| builder).await;
    let (call, stream) = world.call_the_hung_one().await;
    let newer = world.hung.accept().await;
    within("calls on the newer connection", async {
        loop {
            let call = unary(&world.client, "x");
            let (connection, stream, is_newer) = tokio::select! {
                (stream, _) = expect_unary(&newer) => (&newer, stream, true),
                (stream, _) = expect_unary(&world.on_well) => (&world.on_well, stream, false),
            };
            connection.respond(stream, &answer("")).await;
            call.end().await.unwrap();
            if is_newer {
                break;
            }
        }
    })
    .await;
    world.on_hung.respond(stream, &answer("late")).await;
    assert_eq!(call.end().await.unwrap().payload, b"late");
    newer.expect_closed().await;
}

#[tokio::test]
async fn calls_on_one_that_is_dead_fail_and_say_so() {
    let world = World::new(|builder| {
        builder.keepalive_time(Duration::from_secs(3_600)).keepalive_timeout(Duration::from_millis(1_500))
    })
    .await;
    world.hung.set_automatic(Automatic::silent());
    let (call, _) = world.call_the_hung_one().await;
    assert_unavailable(&call.status().await, &world.hung, "nothing came for long after a ping");
    world.on_hung.expect_closed().await;
    assert_eq!(pings(&world.on_hung), 1);
    world.call_the_well_one("goes on").await;
    drop(world.well);
}

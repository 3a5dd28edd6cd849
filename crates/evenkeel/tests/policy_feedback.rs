//! What a policy learns about the calls that it picked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::balance::{
    CallInfo, Controller, Feedback, LeastRequestConfig, Outcome, Pick, Picker, Policy, PolicyConfig,
    PolicyUpdate, Published, Rejected, RoundRobinConfig, Track, Wrap, Wrapper,
};
use evenkeel::{Address, Channel, Code, Peer};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming};

/// What a picker was asked, and how the attempts ended.
#[derive(Debug, Default)]
struct Heard {
    asked: Mutex<Vec<(String, u32, Vec<u8>)>>,
    ended: Mutex<Vec<Outcome>>,
}

/// `round_robin`, with somebody who listens.
#[derive(Clone, Debug)]
struct Listening(Arc<Heard>);

#[derive(Debug)]
struct ListeningPicker {
    inner: Arc<dyn Picker>,
    heard: Arc<Heard>,
}

impl PolicyConfig for Listening {
    fn name(&self) -> &str {
        "listening"
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Wrapper::new(self.clone(), RoundRobinConfig::new().build()))
    }
}

impl Wrap for Listening {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        inner.on_update(&update.with_config(&RoundRobinConfig::new()), controller)
    }

    fn published(&self, mut inner: Published) -> Published {
        inner.picker = Arc::new(ListeningPicker { inner: inner.picker, heard: Arc::clone(&self.0) });
        inner
    }
}

impl Picker for ListeningPicker {
    fn pick(&self, call: &CallInfo<'_>) -> Pick {
        let picked = match self.inner.pick(call) {
            Pick::Go(picked) => picked,
            other => return other,
        };
        let mut values = Vec::new();
        call.headers.values("x-key", &mut |value| values.extend_from_slice(value));
        self.heard.asked.lock().unwrap().push((call.path.to_owned(), call.attempt, values));
        Pick::go_tracked(picked.subchannel, Track::new(Arc::clone(&self.heard) as Arc<dyn Feedback>, 0))
    }
}

impl Feedback for Heard {
    fn on_end(&self, _: u32, outcome: &Outcome) {
        self.ended.lock().unwrap().push(*outcome);
    }
}

/// How the one attempt that `call` makes ended.
async fn outcome<T>(call: impl AsyncFnOnce(EchoClient<Channel>) -> T) -> Outcome {
    let server = TonicServer::start("1");
    let heard = Arc::new(Heard::default());
    let target = format!("ipv4:{}", server.address());
    let channel = Channel::builder(target).policy(Listening(Arc::clone(&heard))).connect().await.unwrap();
    drop(call(EchoClient::new(channel)).await);
    let (asked, ended) = (heard.asked.lock().unwrap().len(), heard.ended.lock().unwrap().clone());
    assert_eq!((asked, ended.len()), (1, 1), "told once for each pick");
    ended[0]
}

fn request(change: impl FnOnce(&mut EchoRequest)) -> Request<EchoRequest> {
    let mut request = EchoRequest::default();
    change(&mut request);
    Request::new(request)
}

/// Polls it once.
async fn begin<F: Future>(call: F) {
    let begun = tokio::time::timeout(Duration::ZERO, call).await;
    assert!(begun.is_err(), "it is not over yet");
}

#[tokio::test]
async fn each_end_of_a_call_has_its_code() {
    let ok = outcome(async |mut client| client.unary(request(|r| r.delay_ms = 1)).await.unwrap()).await;
    assert_eq!((ok.code, ok.sent), (Some(Code::Ok), true));
    assert!(ok.latency >= Duration::from_millis(1), "{ok:?}");
    let refused =
        outcome(async |mut client| client.unary(request(|r| r.fail_code = 5)).await.unwrap_err()).await;
    assert_eq!((refused.code, refused.sent), (Some(Code::NotFound), true));
    let late = outcome(async |mut client| {
        let mut request = request(|r| r.delay_ms = 600_000);
        request.set_timeout(Duration::from_millis(20));
        client.unary(request).await.unwrap_err()
    });
    assert_eq!(late.await.code, Some(Code::DeadlineExceeded));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_was_cancelled() {
    let before_its_head = outcome(async |mut client| {
        begin(client.unary(request(|r| r.delay_ms = 600_000))).await;
    });
    assert_eq!(before_its_head.await.code, Some(Code::Cancelled));
    let in_its_body = outcome(async |mut client| {
        let mut answers = client.server_stream(request(|r| r.repeat = 1_000_000)).await.unwrap().into_inner();
        answers.message().await.unwrap().unwrap();
    });
    assert_eq!(in_its_body.await.code, Some(Code::Cancelled));
}

#[tokio::test]
async fn a_picker_sees_a_calls_path_and_metadata_on_every_attempt() {
    let servers = ["1", "2"].map(TonicServer::start);
    let heard = Arc::new(Heard::default());
    let target = format!("ipv4:{},{}", servers[0].address(), servers[1].address());
    let channel = Channel::builder(target).policy(Listening(Arc::clone(&heard))).connect().await.unwrap();
    let mut request = request(|_| {});
    for value in ["a", "b"] {
        request.metadata_mut().append("x-key", value.parse().unwrap());
    }
    EchoClient::new(channel).unary(request).await.unwrap();
    let path = "/evenkeel.test.v1.Echo/Unary".to_owned();
    assert_eq!(*heard.asked.lock().unwrap(), [(path, 0, b"ab".to_vec())]);
}

/// A call that runs until this is dropped.
struct Running {
    _requests: mpsc::Sender<EchoRequest>,
    _answers: Streaming<evenkeel_testkit::proto::EchoResponse>,
    at: Address,
}

async fn run(client: &mut EchoClient<Channel>) -> Running {
    let (requests, stream) = mpsc::channel(1);
    let response = client.bidi(ReceiverStream::new(stream)).await.unwrap();
    let at = response.extensions().get::<Peer>().unwrap().address().clone();
    Running { _requests: requests, _answers: response.into_inner(), at }
}

#[tokio::test]
async fn least_request_sends_calls_where_fewest_are_in_flight() {
    let servers = ["1", "2"].map(TonicServer::start);
    let target = format!("ipv4:{},{}", servers[0].address(), servers[1].address());
    // Of ten draws out of two, one in 512 has no choice.
    let policy = LeastRequestConfig::new().choice_count(10);
    let channel = Channel::builder(target).policy(policy).connect().await.unwrap();
    while channel.connections().len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut client = EchoClient::new(channel);
    let mut running = Vec::new();
    for _ in 0..20 {
        running.push(run(&mut client).await);
    }
    let first = Address::from(servers[0].address());
    let on_first = running.iter().filter(|call| call.at == first).count();
    assert!((7..=13).contains(&on_first), "{on_first} of 20");
    running.retain(|call| call.at != first);
    let mut more = Vec::new();
    for _ in 0..6 {
        more.push(run(&mut client).await);
    }
    let on_first = more.iter().filter(|call| call.at == first).count();
    assert!(on_first >= 4, "{on_first} of 6 went where no call was");
}

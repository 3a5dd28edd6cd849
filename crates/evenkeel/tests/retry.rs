//! Retries by policy (gRFC A6), as a server sees them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use evenkeel::{
    CallEnd, CallStart, CallTracer, Channel, ChannelBuilder, Code, Event, Observer, RetryPolicy,
    RetryThrottling,
};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{Automatic, DEADLINE, Headers, RawConnection, RawServer, code};
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status};

const BACKOFF: Duration = Duration::from_millis(50);
const UNAVAILABLE: i32 = 14;

type Client = EchoClient<Channel>;
type Call = JoinHandle<Result<Response<EchoResponse>, Status>>;

fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy::new(attempts, BACKOFF, BACKOFF, 1.0, [Code::Unavailable, Code::Aborted]).unwrap()
}

struct Talk {
    server: RawServer,
    channel: Channel,
    client: Client,
    connection: RawConnection,
}

/// A client that retries, connected.
async fn talk(policy: RetryPolicy, throttling: Option<RetryThrottling>) -> Talk {
    talk_with(|builder| builder.retry(policy, throttling)).await
}

async fn talk_with(settings: impl FnOnce(ChannelBuilder) -> ChannelBuilder) -> Talk {
    let server = RawServer::start(Automatic::default()).await;
    let channel = settings(Channel::builder(server.target())).connect().await.unwrap();
    let connection = server.accept().await;
    Talk { client: EchoClient::new(channel.clone()), channel, server, connection }
}

impl Talk {
    fn call(&self, text: &str) -> Call {
        self.request(Request::new(message(text)))
    }

    fn request(&self, request: Request<EchoRequest>) -> Call {
        let mut client = self.client.clone();
        tokio::spawn(async move { client.unary(request).await })
    }

    /// The next request: its stream, the text it carries, and how many attempts it says were made before.
    async fn expect(&self) -> (u32, String, Option<String>) {
        let (stream, headers) = self.connection.expect_request().await;
        let messages = self.connection.expect_messages::<EchoRequest>(stream).await;
        let text = messages.into_iter().flat_map(|message| message.payload).collect();
        let before = headers.get("grpc-previous-rpc-attempts").map(str::to_owned);
        (stream, String::from_utf8(text).unwrap(), before)
    }

    async fn refuse(&self, stream: u32, headers: Headers) {
        self.connection.headers(stream, headers, true).await;
    }

    async fn requests(&self) -> usize {
        self.connection.barrier().await;
        let frames = self.connection.received();
        frames
            .iter()
            .filter(|frame| frame.headers().is_some_and(|headers| headers.get(":path").is_some()))
            .count()
    }
}

fn message(text: &str) -> EchoRequest {
    EchoRequest { payload: text.into(), ..EchoRequest::default() }
}

fn refusal() -> Headers {
    Headers::trailers_only(UNAVAILABLE, "not now")
}

async fn status(call: Call) -> Status {
    call.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_call_is_made_again_after_a_while_and_says_how_often_it_was() {
    let talk = talk(policy(4), None).await;
    let call = talk.call("again");
    let began = Instant::now();
    for before in [None, Some("1"), Some("2")] {
        let (stream, text, attempts) = talk.expect().await;
        assert_eq!((text.as_str(), attempts.as_deref()), ("again", before));
        talk.refuse(stream, refusal()).await;
    }
    let (stream, ..) = talk.expect().await;
    assert!(began.elapsed() >= BACKOFF * 3 * 8 / 10, "{:?}", began.elapsed());
    talk.connection.respond(stream, &EchoResponse::default()).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_last_attempts_own_status_is_the_calls() {
    let talk = talk(policy(2), None).await;
    let call = talk.call("again");
    for text in ["one", "two"] {
        let (stream, ..) = talk.expect().await;
        let headers = Headers::trailers_only(UNAVAILABLE, text).with("x-trailer", text);
        talk.refuse(stream, headers).await;
    }
    let status = status(call).await;
    assert_eq!((status.code(), status.message()), (tonic::Code::Unavailable, "two"));
    assert_eq!(status.metadata().get("x-trailer").unwrap(), "two");
    assert_eq!(talk.requests().await, 2);
}

#[tokio::test]
async fn codes_that_no_policy_names_and_responses_that_began_are_not_retried() {
    let talk = talk(policy(5), None).await;
    let call = talk.call("named");
    let (stream, ..) = talk.expect().await;
    talk.refuse(stream, Headers::trailers_only(9, "never")).await;
    assert_eq!(status(call).await.code(), tonic::Code::FailedPrecondition);

    let call = talk.call("begun");
    let (stream, ..) = talk.expect().await;
    talk.connection.headers(stream, Headers::response(), false).await;
    talk.connection.trailers(stream, UNAVAILABLE).await;
    assert_eq!(status(call).await.code(), tonic::Code::Unavailable);
    assert_eq!(talk.requests().await, 2);
}

#[tokio::test]
async fn a_stream_that_was_lost_is_retried_and_one_that_was_refused_at_once() {
    let talk = talk(policy(2), None).await;
    let call = talk.call("again");
    let (stream, ..) = talk.expect().await;
    talk.connection.reset(stream, code::REFUSED_STREAM).await;
    let (stream, _, before) = talk.expect().await;
    assert_eq!(before, None, "nobody is told of what no server has seen");
    talk.connection.abort().await;

    let connection = talk.server.accept().await;
    let (stream_again, headers) = connection.expect_request().await;
    assert_eq!(headers.get("grpc-previous-rpc-attempts"), Some("1"), "{stream} and {stream_again}");
    connection.respond(stream_again, &EchoResponse::default()).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_server_says_when_and_whether() {
    let talk = talk(policy(3), None).await;
    let call = talk.call("when");
    let (stream, ..) = talk.expect().await;
    let began = Instant::now();
    talk.refuse(stream, refusal().with("grpc-retry-pushback-ms", "200")).await;
    let (stream, ..) = talk.expect().await;
    assert!(began.elapsed() >= Duration::from_millis(200));
    talk.refuse(stream, refusal().with("grpc-retry-pushback-ms", "-1")).await;
    assert_eq!(status(call).await.code(), tonic::Code::Unavailable);
    assert_eq!(talk.requests().await, 2);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_says_for_what() {
    let talk = talk(policy(3), None).await;
    let mut request = Request::new(message("late"));
    request.set_timeout(Duration::from_millis(300));
    let call = talk.request(request);
    let (stream, ..) = talk.expect().await;
    talk.refuse(stream, refusal().with("grpc-retry-pushback-ms", "3600000")).await;
    let status = status(call).await;
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    assert_eq!(status.message(), "deadline exceeded while waiting to try again after Unavailable: not now");
}

#[tokio::test]
async fn close_ends_calls_that_wait_to_try_again_and_does_not_make_them_anew() {
    for is_waiting in [true, false] {
        let talk = talk(policy(5), None).await;
        let call = talk.call("cut");
        let (stream, ..) = talk.expect().await;
        if is_waiting {
            talk.refuse(stream, refusal().with("grpc-retry-pushback-ms", "2147483647")).await;
            talk.connection.barrier().await;
        }
        talk.channel.close().await;
        let status = tokio::time::timeout(DEADLINE, status(call)).await.expect("the call's end");
        assert_eq!(status.code(), tonic::Code::Cancelled, "{status:?}");
    }
}

/// Remembers how long attempts and calls took.
#[derive(Clone, Debug, Default)]
struct Times(Arc<Mutex<(Vec<Duration>, Duration)>>);

impl Observer for Times {
    fn on_event(&self, _: &Event) {}

    fn follows_calls(&self) -> bool {
        true
    }

    fn on_call(&self, _: &CallStart<'_>) -> Option<Box<dyn CallTracer>> {
        Some(Box::new(self.clone()))
    }
}

impl CallTracer for Times {
    fn on_attempt_end(&self, end: &CallEnd) {
        self.0.lock().unwrap().0.push(end.latency);
    }

    fn on_end(&self, end: &CallEnd) {
        self.0.lock().unwrap().1 = end.latency;
    }
}

#[tokio::test]
async fn an_attempt_took_its_own_time_and_no_others() {
    let times = Times::default();
    let talk = talk_with(|builder| builder.retry(policy(3), None).observer(Arc::new(times.clone()))).await;
    let call = talk.call("twice");
    for wait in ["150", "150"] {
        let (stream, ..) = talk.expect().await;
        talk.refuse(stream, refusal().with("grpc-retry-pushback-ms", wait)).await;
    }
    let (stream, ..) = talk.expect().await;
    talk.connection.respond(stream, &EchoResponse::default()).await;
    call.await.unwrap().unwrap();
    let (attempts, whole) = times.0.lock().unwrap().clone();
    assert_eq!(attempts.len(), 3);
    let waited = Duration::from_millis(300);
    assert!(attempts.iter().sum::<Duration>() + waited <= whole, "{attempts:?} of {whole:?}");
}

#[tokio::test]
async fn a_request_stream_is_sent_again_from_its_beginning_and_goes_on() {
    let talk = talk(policy(2), None).await;
    let (more, messages) = tokio::sync::mpsc::channel(4);
    let mut client = talk.client.clone();
    let call: Call = tokio::spawn(async move {
        client.client_stream(tokio_stream::wrappers::ReceiverStream::new(messages)).await
    });
    more.send(message("a")).await.unwrap();
    more.send(message("b")).await.unwrap();
    let (stream, _) = talk.connection.expect_request().await;
    talk.connection.expect_first_messages::<EchoRequest>(stream, 2).await;
    talk.refuse(stream, refusal()).await;
    let (stream, _) = talk.connection.expect_request().await;
    more.send(message("c")).await.unwrap();
    drop(more);
    let messages = talk.connection.expect_messages::<EchoRequest>(stream).await;
    assert_eq!(messages, ["a", "b", "c"].map(message));
    talk.connection.respond(stream, &EchoResponse::default()).await;
    call.await.unwrap().unwrap();
}

/// The program's own failure is no reason to send half of a request as a whole one.
#[tokio::test]
async fn a_request_whose_own_stream_failed_is_not_sent_again() {
    struct Failing(u8);
    impl http_body::Body for Failing {
        type Data = bytes::Bytes;
        type Error = Status;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Status>>> {
            self.0 += 1;
            let first = http_body::Frame::data(evenkeel_testkit::raw::encode_message(&message("half")));
            std::task::Poll::Ready(Some(if self.0 == 1 { Ok(first) } else { Err(Status::aborted("own")) }))
        }
    }
    let server = RawServer::start(Automatic::default()).await;
    let mut channel = Channel::builder(server.target()).retry(policy(5), None).connect().await.unwrap();
    let connection = server.accept().await;
    let request = http::Request::post("/evenkeel.test.v1.Echo/ClientStream")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(Failing(0)))
        .unwrap();
    let status = tower_service::Service::call(&mut channel, request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (tonic::Code::Aborted, "own"));
    connection.barrier().await;
    let requests = connection.received().iter().filter(|frame| frame.headers().is_some()).count();
    assert!(requests <= 1, "{requests}");
}

#[tokio::test]
async fn calls_share_what_throttles_them() {
    let talk = talk(policy(2), Some(RetryThrottling::new(4, 1.0).unwrap())).await;
    // 4 - 1 leaves more than half, - 1 does not.
    let call = talk.call("one");
    for _ in 0..2 {
        let (stream, ..) = talk.expect().await;
        talk.refuse(stream, refusal()).await;
    }
    status(call).await;
    let call = talk.call("two");
    let (stream, ..) = talk.expect().await;
    talk.refuse(stream, refusal()).await;
    status(call).await;
    assert_eq!(talk.requests().await, 3, "the second call was not retried");

    for _ in 0..3 {
        let call = talk.call("good");
        let (stream, ..) = talk.expect().await;
        talk.connection.respond(stream, &EchoResponse::default()).await;
        call.await.unwrap().unwrap();
    }
    let call = talk.call("three");
    for _ in 0..2 {
        let (stream, ..) = talk.expect().await;
        talk.refuse(stream, refusal()).await;
    }
    status(call).await;
    assert_eq!(talk.requests().await, 8);
}

#[tokio::test]
async fn a_pick_that_fails_is_retried_as_well() {
    let mut server = RawServer::start(Automatic::default()).await;
    server.stop_listening().await;
    let channel = Channel::builder(server.target()).retry(policy(3), None).build().unwrap();
    let began = Instant::now();
    let status = EchoClient::new(channel).unary(message("x")).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(began.elapsed() >= BACKOFF * 2 * 8 / 10, "{:?}", began.elapsed());
}

//! What every wire test needs: a client, calls that run beside the test, and their requests as the server sees them.

use std::future::Future;
use std::sync::{Arc, Mutex};

use evenkeel::{Channel, ChannelBuilder, ConnectivityState, Event, Observer, Peer};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{DEADLINE, Frame, RawConnection, RawServer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Code, Request, Response, Status};

pub(crate) const UNARY: &str = "/evenkeel.test.v1.Echo/Unary";

pub(crate) type Client = EchoClient<Channel>;
pub(crate) type Answer<T> = Result<Response<T>, Status>;

/// A call that runs beside the test. Dropping it drops the call.
pub(crate) struct Call<T>(JoinHandle<Answer<T>>);

impl<T> Call<T> {
    /// Waits for what the caller gets.
    pub(crate) async fn end(mut self) -> Result<T, Status> {
        Ok(within("the end of a call", &mut self.0).await.expect("the call does not panic")?.into_inner())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the status of a call that must fail.
    pub(crate) async fn status(self) -> Status
    where
        T: std::fmt::Debug,
    {
        self.end().await.expect_err("the call fails")
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for something that must happen, however slow the machine is.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}"),
    }
}

/// On whom a call failed, if the channel says.
pub(crate) fn blamed(status: &Status) -> String {
    Peer::of_failure(status).map_or_else(|| "nobody".to_owned(), |peer| peer.address().to_string())
}

pub(crate) fn builder(server: &RawServer) -> ChannelBuilder {
    Channel::builder(server.target())
}

pub(crate) fn channel(server: &RawServer) -> Channel {
    builder(server).build().expect("the target is good")
}

pub(crate) fn client(server: &RawServer) -> Client {
    EchoClient::new(channel(server))
}

pub(crate) fn message(text: &str) -> EchoRequest {
    EchoRequest { payload: text.as_bytes().to_vec(), ..EchoRequest::default() }
}

pub(crate) fn answer(text: &str) -> EchoResponse {
    EchoResponse { payload: text.as_bytes().to_vec(), ..EchoResponse::default() }
}

/// Starts a unary call that sends `text`.
pub(crate) fn unary(client: &Client, text: &str) -> Call<EchoResponse> {
    unary_request(client, Request::new(message(text)))
}

pub(crate) fn unary_request(client: &Client, request: Request<EchoRequest>) -> Call<EchoResponse> {
    let mut client = client.clone();
    start(async move { client.unary(request).await })
}

pub(crate) fn start<T: Send + 'static>(call: impl Future<Output = Answer<T>> + Send + 'static) -> Call<T> {
    Call(tokio::spawn(call))
}

/// The next unary request, whole: its stream and the text it carries.
pub(crate) async fn expect_unary(connection: &RawConnection) -> (u32, String) {
    let (stream, headers) = connection.expect_request().await;
    assert_eq!(headers.get(":path"), Some(UNARY));
    let messages = connection.expect_messages::<EchoRequest>(stream).await;
    let [message] = &messages[..] else { panic!("not one message: {messages:?}") };
    (stream, String::from_utf8(message.payload.clone()).unwrap())
}

/// How many requests have arrived on the connection. Ask after a barrier.
pub(crate) fn requests(connection: &RawConnection) -> usize {
    connection.received().iter().filter(|frame| is_request(frame)).count()
}

pub(crate) fn is_request(frame: &Frame) -> bool {
    frame.headers().is_some_and(|headers| headers.get(":path").is_some())
}

/// One call through a channel that has no connection yet, so that it has one afterwards.
pub(crate) async fn first_call(server: &RawServer, client: &Client) -> RawConnection {
    let call = unary(client, "first");
    let connection = server.accept().await;
    let (stream, _) = expect_unary(&connection).await;
    connection.respond(stream, &answer("first")).await;
    assert_eq!(call.end().await.unwrap().payload, b"first");
    connection
}

/// A call whose connection failed: UNAVAILABLE, naming the endpoint and the cause.
pub(crate) fn assert_unavailable(status: &Status, server: &RawServer, cause: &str) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let text = status.message().to_lowercase();
    assert!(text.contains(&server.address().to_string()), "names the endpoint: {status:?}");
    assert!(text.contains(cause), "names the cause, {cause}: {status:?}");
}

/// Waits for a state of the channel.
pub(crate) async fn reached(channel: &Channel, wanted: ConnectivityState) {
    within(wanted.name(), async {
        let mut state = channel.state();
        while state != wanted {
            state = channel.wait_for_change(state).await;
        }
    })
    .await;
}

/// Keeps a channel's events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    seen: Mutex<Vec<Event>>,
    count: watch::Sender<usize>,
}

impl Observer for Events {
    fn on_event(&self, event: &Event) {
        self.seen.lock().unwrap().push(event.clone());
        self.count.send_modify(|count| *count += 1);
    }
}

impl Events {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for the first event that `pick` takes.
    pub(crate) async fn expect<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let mut count = self.count.subscribe();
        within(what, async {
            loop {
                count.borrow_and_update();
                if let Some(found) = self.all().iter().find_map(&pick) {
                    return found;
                }
                count.changed().await.unwrap();
            }
        })
        .await
    }
}

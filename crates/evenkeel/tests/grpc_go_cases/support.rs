//! Channels that keep a record of what happened to them, calls over them, and our server to call.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::{
    Channel, ChannelBuilder, ConnectivityState, DrainReport, Event, Observer, ServeError, Server,
    ServerBuilder, ServerHandle,
};
use evenkeel_testkit::echo::EchoService;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::raw::{DEADLINE, Frame, RawConnection};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Status, Streaming};

/// Only what does not keep its promise waits so long.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// All that happened to a channel.
#[derive(Debug, Default)]
pub(crate) struct Seen(watch::Sender<Vec<Event>>);

/// A bidirectional call that goes turn by turn.
pub(crate) struct Talk {
    say: mpsc::UnboundedSender<EchoRequest>,
    hear: Streaming<EchoResponse>,
}

/// Our server with the Echo service, in a task of its own.
pub(crate) struct Ours {
    pub(crate) address: SocketAddr,
    pub(crate) service: EchoService,
    pub(crate) handle: ServerHandle,
    task: JoinHandle<Result<DrainReport, ServeError>>,
}

impl Observer for Seen {
    fn on_event(&self, event: &Event) {
        self.0.send_modify(|events| events.push(event.clone()));
    }
}

impl Seen {
    /// Builds a channel under observation.
    pub(crate) fn build(builder: ChannelBuilder) -> (Channel, Arc<Self>) {
        let seen = Arc::<Self>::default();
        (builder.observer(seen.clone()).build().unwrap(), seen)
    }

    /// The states that the channel has entered, in their order.
    pub(crate) fn states(&self) -> Vec<ConnectivityState> {
        let to = |event: &Event| match event {
            Event::ChannelState(change) => Some(change.to),
            _ => None,
        };
        self.0.borrow().iter().filter_map(to).collect()
    }

    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.0.borrow().iter().filter(|event| is(event)).count()
    }

    /// Waits until there were so many events of a kind.
    pub(crate) async fn until(&self, what: &str, times: usize, is: impl Fn(&Event) -> bool) {
        let mut events = self.0.subscribe();
        let enough = events.wait_for(|events| events.iter().filter(|event| is(event)).count() >= times);
        within(what, enough).await.unwrap();
    }

    /// Waits until the channel has entered a state.
    pub(crate) async fn until_state(&self, wanted: ConnectivityState) {
        self.until(
            wanted.name(),
            1,
            |event| matches!(event, Event::ChannelState(change) if change.to == wanted),
        )
        .await;
    }

    pub(crate) async fn until_goaway(&self) {
        self.until("a GOAWAY", 1, |event| matches!(event, Event::GoAway(_))).await;
    }
}

impl Talk {
    pub(crate) async fn open(channel: &Channel) -> Self {
        let (say, said) = mpsc::unbounded_channel();
        let mut client = EchoClient::new(channel.clone());
        let call = client.bidi(UnboundedReceiverStream::new(said));
        let hear = within("the head", call).await.unwrap().into_inner();
        Self { say, hear }
    }

    /// Says something and hears it back.
    pub(crate) async fn turn(&mut self, text: &str) {
        self.say.send(EchoRequest { payload: text.into(), ..EchoRequest::default() }).unwrap();
        let answer = within("an answer", self.hear.message()).await.unwrap().unwrap();
        assert_eq!(answer.payload, text.as_bytes());
    }

    pub(crate) async fn finish(mut self) {
        drop(self.say);
        assert_eq!(within("the end", self.hear.message()).await.unwrap(), None);
    }
}

impl Ours {
    pub(crate) async fn start(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let service = EchoService::new("ours");
        let builder = configure(Server::builder()).add_service(service.clone().into_server());
        let bound = builder.bind("127.0.0.1:0").await.unwrap();
        let (address, handle) = (bound.local_addr().unwrap(), bound.handle());
        Self { address, service, handle, task: tokio::spawn(bound.serve()) }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    pub(crate) async fn report(self) -> DrainReport {
        within("the server's end", self.task).await.unwrap().unwrap()
    }
}

pub(crate) fn to(addresses: &[SocketAddr]) -> ChannelBuilder {
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    Channel::builder(format!("ipv4:{}", addresses.join(",")))
}

/// Waits for something that must happen, however slow the machine is.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("in {DEADLINE:?} there was not: {what}"),
    }
}

/// One call: who answered it.
pub(crate) async fn served_by(channel: &Channel) -> Result<String, Status> {
    let call = async { EchoClient::new(channel.clone()).unary(Request::new(EchoRequest::default())).await };
    Ok(within("an answer", call).await?.into_inner().served_by)
}

/// Answers the next call on a connection in the name of `name`.
pub(crate) async fn answer_as(name: &str, connection: &RawConnection) {
    let (stream, _) = connection.expect_request().await;
    let answer = EchoResponse { served_by: name.to_owned(), ..EchoResponse::default() };
    connection.respond(stream, &answer).await;
}

/// One call over a connection that is there.
pub(crate) async fn call_over(channel: &Channel, connection: &RawConnection) {
    let (answered, ()) = tokio::join!(served_by(channel), answer_as("raw", connection));
    assert_eq!(answered.unwrap(), "raw");
}

/// What a silent server would have said at the start: now the connection can be READY.
pub(crate) async fn say_settings(connection: &RawConnection) {
    connection.settings(&[]).await;
    connection.send(Frame::Settings { ack: true, params: Vec::new() }).await;
}

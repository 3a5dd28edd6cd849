//! Somebody's code that panics in a channel's task does not go unseen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what must hold in the shortest way")]

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evenkeel::event::ResolutionFailed;
use evenkeel::resolve::{BoxFuture, ResolveContext, Resolver, ResolverFactory, Update, Updates};
use evenkeel::{
    AttemptStart, Backoff, CallEnd, CallOptions, CallStart, CallTracer, Channel, ConnectRequest, Connector,
    Endpoint, Event, Io, Observer, Refresh, Target, TargetError,
};
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::proto::{EchoRequest, EchoResponse};
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Status, Streaming};

/// Finds one endpoint, and then comes to grief.
#[derive(Clone, Copy, Debug)]
struct Doomed(SocketAddr);

impl ResolverFactory for Doomed {
    fn scheme(&self) -> &str {
        "doomed"
    }

    fn build(&self, _: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        Ok(Box::new(*self))
    }
}

impl Resolver for Doomed {
    fn run(self: Box<Self>, mut updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            updates.report(Update::endpoints([Endpoint::from(self.0)])).await;
            panic!("a resolver of somebody's own");
        })
    }
}

#[derive(Debug)]
struct Failures(mpsc::UnboundedSender<Arc<str>>);

impl Observer for Failures {
    fn on_event(&self, event: &Event) {
        if let Event::ResolutionFailed(ResolutionFailed { error, .. }) = event {
            let _ = self.0.send(Arc::clone(error));
        }
    }
}

#[tokio::test]
async fn a_resolver_that_panics_is_told_and_calls_go_on_with_what_it_found() {
    let pod = TonicServer::start("pod");
    let (sender, mut failures) = mpsc::unbounded_channel();
    let builder = Channel::builder("doomed:///x").resolver(Doomed(pod.address()));
    let channel = builder.observer(Arc::new(Failures(sender))).build().unwrap();
    let mut client = EchoClient::new(channel);
    client.unary(EchoRequest::default()).await.unwrap();
    let told = failures.recv().await.unwrap();
    assert!(told.contains("the resolver panicked"), "{told}");
    client.unary(EchoRequest::default()).await.unwrap();
}

/// What of a connector of somebody's own panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Making the future.
    Call,
    Connecting,
    /// Reading, once it is connected.
    Reading,
}

/// Connects to `to`; the first connection comes to grief.
#[derive(Debug)]
struct Grief {
    fault: Fault,
    to: SocketAddr,
    made: AtomicUsize,
}

/// A socket that panics when it is read after a call has been made on it.
struct Fragile {
    socket: TcpStream,
    written: usize,
}

impl Connector for Grief {
    fn connect(&self, _: &ConnectRequest<'_>) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let (fault, to) = (self.fault, self.to);
        if self.made.fetch_add(1, Ordering::Relaxed) > 0 {
            return Box::pin(async move { Ok(Box::new(TcpStream::connect(to).await?) as Box<dyn Io>) });
        }
        assert!(fault != Fault::Call, "a connector of somebody's own");
        Box::pin(async move {
            assert!(fault != Fault::Connecting, "a connector of somebody's own");
            let socket = TcpStream::connect(to).await?;
            Ok(Box::new(Fragile { socket, written: 0 }) as Box<dyn Io>)
        })
    }
}

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The preface and the SETTINGS are shorter.
        assert!(self.written < 150, "a socket of somebody's own");
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
        self.written += written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A call that has time enough for several attempts.
async fn patient_call(client: &mut EchoClient<Channel>) -> Result<String, Status> {
    let mut request = Request::new(EchoRequest::default());
    request.set_timeout(Duration::from_secs(30));
    request.extensions_mut().insert(CallOptions::new().wait_for_ready(true));
    Ok(client.unary(request).await?.into_inner().served_by)
}

#[tokio::test]
async fn a_connector_or_a_socket_that_panics_has_failed_and_the_next_attempt_is_made() {
    let pod = TonicServer::start("pod");
    for policy in ["round_robin", "pick_first"] {
        for fault in [Fault::Call, Fault::Connecting, Fault::Reading] {
            let connector = Grief { fault, to: pod.address(), made: AtomicUsize::new(0) };
            let builder = Channel::builder("ipv4:127.0.0.1:1").connector(connector).policy(policy);
            let builder = builder.backoff(Backoff::new().initial(Duration::from_millis(20)));
            let mut client = EchoClient::new(builder.build().unwrap());
            if fault == Fault::Reading {
                let lost = patient_call(&mut client).await.unwrap_err();
                assert_eq!(lost.code(), Code::Unavailable, "{policy}: {lost:?}");
            }
            assert_eq!(patient_call(&mut client).await.unwrap(), "pod", "{policy} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_connector_that_panics_is_told_to_calls_that_do_not_wait() {
    let connector = |_: &ConnectRequest<'_>| -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        panic!("of somebody's own")
    };
    let channel = Channel::builder("ipv4:127.0.0.1:1").connector(connector).build().unwrap();
    let status = EchoClient::new(channel).unary(EchoRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("connecting to 127.0.0.1:1 failed: its task panicked"), "{status:?}");
}

/// Comes to grief at every event.
#[derive(Debug)]
struct Nervous;

impl Observer for Nervous {
    fn on_event(&self, _: &Event) {
        panic!("an observer of somebody's own");
    }
}

#[tokio::test]
async fn an_observer_that_panics_does_not_end_the_channel() {
    let pod = TonicServer::start("pod");
    let channel = Channel::builder(pod.target()).observer(Arc::new(Nervous)).build().unwrap();
    let mut client = EchoClient::new(channel.clone());
    assert_eq!(patient_call(&mut client).await.unwrap(), "pod");
    channel.close().await;
}

/// Panics whenever it is told something of a call, at the latest in the call's drop.
#[derive(Debug)]
struct NervousTracer;

#[derive(Debug)]
struct Startled {
    at_once: bool,
}

impl CallTracer for NervousTracer {
    fn on_attempt(&self, _: &AttemptStart<'_>) {
        panic!("a tracer of somebody's own");
    }

    fn on_attempt_end(&self, _: &CallEnd) {
        panic!("a tracer of somebody's own");
    }

    fn on_end(&self, _: &CallEnd) {
        panic!("a tracer of somebody's own");
    }
}

impl Observer for Startled {
    fn on_event(&self, _: &Event) {}

    fn follows_calls(&self) -> bool {
        true
    }

    fn on_call(&self, _: &CallStart<'_>) -> Option<Box<dyn CallTracer>> {
        assert!(!self.at_once, "an observer of somebody's own");
        Some(Box::new(NervousTracer))
    }
}

#[tokio::test]
async fn a_tracer_that_panics_ends_no_call() {
    let pod = TonicServer::start("1");
    for at_once in [true, false] {
        let builder = Channel::builder(pod.target()).observer(Arc::new(Startled { at_once }));
        let channel = builder.build().unwrap();
        let mut client = EchoClient::new(channel);
        patient_call(&mut client).await.unwrap();
        let slow = client.unary(EchoRequest { delay_ms: 60_000, ..EchoRequest::default() });
        assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err(), "dropped on its way");
        patient_call(&mut client).await.unwrap();
    }
}

/// A time that no clock can count to is for ever.
#[tokio::test]
async fn the_longest_times_there_are_make_nothing_panic() {
    const FOR_EVER: Duration = Duration::MAX;
    let pod = TonicServer::start("pod");
    for refresh in [Refresh::Ttl, Refresh::Every(FOR_EVER), Refresh::Disconnect { floor: FOR_EVER }] {
        let builder = Channel::builder(format!("dns:///{}", pod.address())).refresh(refresh);
        let builder = builder.connect_timeout(FOR_EVER).timeout(FOR_EVER).idle_timeout(Some(FOR_EVER));
        let builder = builder.grace_after_loss(FOR_EVER).connection_attempt_delay(FOR_EVER);
        let builder = builder.backoff(Backoff::new().initial(FOR_EVER).max(FOR_EVER));
        let mut client = EchoClient::new(builder.build().unwrap());
        assert_eq!(client.unary(EchoRequest::default()).await.unwrap().into_inner().served_by, "pod");
    }
}

/// A call whose response has begun while its request goes on.
async fn half_way(
    channel: &Channel,
    rest: impl Stream<Item = EchoRequest> + Send + 'static,
) -> Streaming<EchoResponse> {
    let first = tokio_stream::once(EchoRequest::default());
    let mut client = EchoClient::new(channel.clone());
    let mut answers = client.bidi(first.chain(rest)).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some(), "an answer to the first message");
    answers
}

#[tokio::test]
async fn a_request_stream_that_panics_ends_its_call() {
    let pod = TonicServer::start("pod");
    let channel = Channel::builder(pod.target()).build().unwrap();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let rest = futures_util::stream::once(async move {
        let _ = wait.await;
        panic!("a request of somebody's own")
    });
    let mut answers = half_way(&channel, rest).await;
    go.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), answers.message()).await;
    let status = ended.expect("the call ends").unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "the request's own stream panicked"));
}

/// A request whose end takes time.
struct Slow(Arc<AtomicUsize>);

impl Stream for Slow {
    type Item = EchoRequest;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<EchoRequest>> {
        Poll::Pending
    }
}

impl Drop for Slow {
    #[allow(clippy::disallowed_methods, reason = "a drop that takes time is what is tested")]
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(50));
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_close_returns_the_programs_requests_are_gone() {
    let pod = TonicServer::start("pod");
    let channel = Channel::builder(pod.target()).build().unwrap();
    let gone = Arc::<AtomicUsize>::default();
    let _answers = half_way(&channel, Slow(Arc::clone(&gone))).await;
    channel.close().await;
    assert_eq!(gone.load(Ordering::Acquire), 1);
}

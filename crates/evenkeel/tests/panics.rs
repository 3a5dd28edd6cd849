//! Somebody's code that panics in a channel's task does not go unseen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what must hold in the shortest way")]

use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel::resolve::{Answer, BoxFuture, ResolveContext, Resolver, ResolverFactory, Updates};
use evenkeel::{Channel, Endpoint, Event, Observer, Target, TargetError};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::mpsc;

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
    fn run(self: Box<Self>, updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            updates.report(Answer::Endpoints(vec![Endpoint::from(self.0)]), None);
            panic!("a resolver of somebody's own");
        })
    }
}

#[derive(Debug)]
struct Failures(mpsc::UnboundedSender<Arc<str>>);

impl Observer for Failures {
    fn on_event(&self, event: &Event) {
        if let Event::ResolutionFailed { error, .. } = event {
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

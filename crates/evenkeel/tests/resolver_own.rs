//! A resolver that a program brings along: all that it says reaches the policy, and it hears what became of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::any::Any;
use std::sync::{Arc, Mutex};

use evenkeel::balance::{
    Controller, Policy, PolicyConfig, PolicyUpdate, Rejected, RoundRobinConfig, Wrap, Wrapper,
};
use evenkeel::event::UpdateRejected;
use evenkeel::resolve::{BoxFuture, ResolveContext, Resolver, ResolverFactory, Update, Updates, Verdict};
use evenkeel::{Channel, Endpoint, Event, Observer, Target, TargetError};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tokio::sync::mpsc;
use tonic::Request;

/// A fact about all endpoints together.
#[derive(Clone, Debug, PartialEq)]
struct Version(u32);

/// Says the updates that it is made of, one after the other, and passes on what is answered.
#[derive(Clone, Debug)]
struct Script {
    updates: Vec<Update>,
    verdicts: mpsc::UnboundedSender<Verdict>,
}

impl ResolverFactory for Script {
    fn scheme(&self) -> &str {
        "script"
    }

    fn build(&self, _: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        Ok(Box::new(self.clone()))
    }
}

impl Resolver for Script {
    fn run(self: Box<Self>, mut updates: Updates) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            for update in self.updates {
                let verdict = updates.report(update).await;
                self.verdicts.send(verdict).unwrap();
            }
            while updates.refresh_requested().await.is_some() {}
        })
    }
}

/// A list's version and remark.
type Seen = (u32, Option<String>);

/// `round_robin`, for lists that have a version; remembers what it was told.
#[derive(Clone, Debug, Default)]
struct Versioned(Arc<Mutex<Vec<Seen>>>);

impl PolicyConfig for Versioned {
    fn name(&self) -> &str {
        "versioned"
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Wrapper::new(self.clone(), RoundRobinConfig::new().build()))
    }
}

impl Wrap for Versioned {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        let config: &dyn Any = update.config;
        assert!(config.is::<Versioned>(), "its own settings come with each update");
        let Some(Version(version)) = update.attributes.get() else {
            return Err(Rejected("the list has no version".into()));
        };
        self.0.lock().unwrap().push((*version, update.note.map(|note| note.to_string())));
        inner.on_update(&update.with_config(&RoundRobinConfig::new()), controller)
    }
}

/// The reasons of rejections.
#[derive(Debug, Default)]
struct Rejections(Mutex<Vec<String>>);

impl Observer for Rejections {
    fn on_event(&self, event: &Event) {
        if let Event::UpdateRejected(UpdateRejected { reason, .. }) = event {
            self.0.lock().unwrap().push(reason.to_string());
        }
    }
}

#[tokio::test]
async fn facts_and_remarks_reach_the_policy_and_its_no_reaches_the_resolver() {
    let server = TonicServer::start("1");
    let list = || Update::endpoints([Endpoint::from(server.address())]);
    let (verdicts, mut heard) = mpsc::unbounded_channel();
    let updates = vec![
        list(),
        list().with_attribute(Version(1)).with_note("from a file"),
        Update::failed("the file cannot be read"),
        list().with_attribute(Version(2)),
    ];
    let (policy, rejections) = (Versioned::default(), Arc::new(Rejections::default()));
    let observer = Arc::clone(&rejections) as Arc<dyn Observer>;
    let builder = Channel::builder("script:x").resolver(Script { updates, verdicts });
    let channel = builder.policy(policy.clone()).observer(observer).build().unwrap();
    channel.connect().unwrap();
    let rejected = Verdict::Rejected("the list has no version".into());
    for verdict in [rejected, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted] {
        assert_eq!(heard.recv().await, Some(verdict));
    }
    let seen = policy.0.lock().unwrap().clone();
    assert_eq!(seen, [(1, Some("from a file".to_owned())), (2, None)], "with the same endpoints all along");
    assert_eq!(*rejections.0.lock().unwrap(), ["the list has no version"]);
    let answer = EchoClient::new(channel).unary(Request::new(EchoRequest::default())).await.unwrap();
    assert_eq!(answer.into_inner().served_by, "1");
}

#[tokio::test]
async fn a_resolvers_task_ends_with_its_channel() {
    let server = TonicServer::start("1");
    let (verdicts, mut heard) = mpsc::unbounded_channel();
    let update = Update::endpoints([Endpoint::from(server.address())]);
    let script = Script { updates: vec![update; 2], verdicts };
    let channel = Channel::builder("script:x").resolver(script).build().unwrap();
    channel.ready().await.unwrap();
    assert_eq!(heard.recv().await, Some(Verdict::Accepted));
    assert_eq!(heard.recv().await, Some(Verdict::Accepted), "the same again");
    channel.close().await;
    drop(channel);
    assert_eq!(heard.recv().await, None, "its task has ended");
}

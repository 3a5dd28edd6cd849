//! From one policy to another under a channel that is in use.

use std::sync::{Arc, Mutex};

use evenkeel::ConnectivityState::{Connecting, Ready};
use evenkeel::balance::{
    Controller, GracefulSwitch, PickFirstConfig, Policy, PolicyConfig, PolicyUpdate, Rejected,
    RoundRobinConfig, Wrap, Wrapper,
};
use evenkeel::{Channel, ChannelBuilder, Endpoint, Manual};
use evenkeel_testkit::raw::{Automatic, RawServer};
use evenkeel_testkit::tonic_peer::TonicServer;

use crate::support::{Seen, answer_as, call_over, say_settings, served_by, within};

/// The policy that the next list of endpoints is for, as a service config that comes with the list would say.
#[derive(Clone, Debug)]
struct Wanted(Arc<Mutex<Arc<dyn PolicyConfig>>>);

impl Wanted {
    fn config(&self) -> Arc<dyn PolicyConfig> {
        self.0.lock().unwrap().clone()
    }

    fn set(&self, config: impl PolicyConfig) {
        *self.0.lock().unwrap() = Arc::new(config);
    }
}

impl PolicyConfig for Wanted {
    fn name(&self) -> &str {
        "switching"
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Wrapper::new(self.clone(), Box::new(GracefulSwitch::new(self.config().as_ref()))))
    }
}

impl Wrap for Wanted {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        inner.on_update(&update.with_config(self.config().as_ref()), controller)
    }
}

/// A channel that starts with `config`.
fn starting_with(config: impl PolicyConfig) -> (Manual, Wanted, ChannelBuilder) {
    let (manual, wanted) = (Manual::new(), Wanted(Arc::new(Mutex::new(Arc::new(config)))));
    let builder = Channel::builder("manual:///pods").resolver(manual.clone()).policy(wanted.clone());
    (manual, wanted, builder)
}

/// Case 67 (`TestBalancerSwitch_Graceful`): the old policy serves until the new one is READY.
#[tokio::test]
async fn test_balancer_switch_graceful() {
    let old = TonicServer::start("old");
    let new = RawServer::start(Automatic::silent()).await;
    let (manual, wanted, builder) = starting_with(RoundRobinConfig::new());
    let (channel, seen) = Seen::build(builder);
    manual.set([Endpoint::from(old.address())]);
    assert_eq!(served_by(&channel).await.unwrap(), "old");

    wanted.set(PickFirstConfig::new());
    manual.set([Endpoint::from(new.address())]);
    let connection = new.accept().await;
    for _ in 0..10 {
        assert_eq!(served_by(&channel).await.unwrap(), "old");
    }
    say_settings(&connection).await;
    let answers = async {
        loop {
            answer_as("new", &connection).await;
        }
    };
    let switched = async { while served_by(&channel).await.unwrap() != "new" {} };
    within("the new one", async {
        tokio::select! {
            () = switched => {}
            () = answers => {}
        }
    })
    .await;
    call_over(&channel, &connection).await;
    assert_eq!(seen.states(), [Connecting, Ready], "callers saw nothing of it");
}

/// Case 67 (`TestCurrentNotReadyPendingUpdate`): an old policy that is not READY has nothing to offer: the new one takes
/// its place at once, CONNECTING as it is.
#[tokio::test]
async fn test_current_not_ready_pending_update() {
    let servers = [RawServer::start(Automatic::silent()).await, RawServer::start(Automatic::silent()).await];
    let (manual, wanted, builder) = starting_with(PickFirstConfig::new());
    let (channel, seen) = Seen::build(builder);
    manual.set([Endpoint::from(servers[0].address())]);
    channel.connect().unwrap();
    let old = servers[0].accept().await;

    wanted.set(RoundRobinConfig::new());
    manual.set([Endpoint::from(servers[1].address())]);
    let new = servers[1].accept().await;
    // Nothing is READY yet, and the old attempt is given up.
    old.expect_closed().await;
    say_settings(&new).await;
    call_over(&channel, &new).await;
    assert_eq!(seen.states(), [Connecting, Ready]);
}

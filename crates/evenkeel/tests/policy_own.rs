//! A load-balancing policy that a program brings along.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

use std::sync::Arc;

use evenkeel::balance::{
    CallInfo, Controller, Pick, PickFailure, Picker, Policy, PolicyConfig, PolicyFactory, PolicyUpdate,
    Published, Random, Rejected, SubchannelId, SubchannelUpdate,
};
use evenkeel::{Channel, ConnectivityState};
use evenkeel_testkit::proto::EchoRequest;
use evenkeel_testkit::proto::echo_client::EchoClient;
use evenkeel_testkit::tonic_peer::TonicServer;
use tonic::{Code, Request, Status};

/// Settings of a policy that sends every call to the last endpoint, but none to `/refused`.
#[derive(Debug)]
struct LastConfig {
    refused: &'static str,
}

#[derive(Debug)]
struct LastFactory;

#[derive(Debug)]
struct Last {
    refused: &'static str,
    subchannel: Option<SubchannelId>,
    state: ConnectivityState,
}

#[derive(Debug)]
struct LastPicker {
    refused: &'static str,
    subchannel: SubchannelId,
}

impl PolicyConfig for LastConfig {
    fn name(&self) -> &str {
        "last"
    }

    fn build(&self) -> Box<dyn Policy> {
        let state = ConnectivityState::Connecting;
        Box::new(Last { refused: self.refused, subchannel: None, state })
    }
}

impl PolicyFactory for LastFactory {
    fn name(&self) -> &str {
        "last"
    }

    fn default_config(&self) -> Arc<dyn PolicyConfig> {
        Arc::new(LastConfig { refused: "/none" })
    }
}

impl Policy for Last {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        if let Some(old) = self.subchannel.take() {
            controller.remove_subchannel(old);
        }
        if let Some(address) = update.endpoints.last().and_then(|endpoint| endpoint.addresses().first()) {
            let id = controller.create_subchannel(address);
            controller.connect(id);
            self.subchannel = Some(id);
        }
        Ok(())
    }

    fn on_resolver_error(&mut self, _: &Arc<str>, _: &mut dyn Controller) {}

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, controller: &mut dyn Controller) {
        self.state = update.to;
        controller.mark_changed();
        if update.to == ConnectivityState::Idle {
            controller.connect(update.id);
        }
    }

    fn state(&self) -> ConnectivityState {
        self.state
    }

    fn snapshot(&self, _: &mut dyn Random) -> Published {
        match self.subchannel.filter(|_| self.state == ConnectivityState::Ready) {
            Some(subchannel) => Published::ready(LastPicker { refused: self.refused, subchannel }),
            None => Published::waiting(self.state),
        }
    }
}

impl Picker for LastPicker {
    fn pick(&self, call: &CallInfo<'_>) -> Pick {
        if call.path.ends_with(self.refused) {
            return Pick::Drop(PickFailure::new(evenkeel::Code::NotFound, "not here"));
        }
        Pick::go(self.subchannel)
    }
}

async fn served_by(channel: Channel) -> Result<String, Status> {
    Ok(EchoClient::new(channel).unary(Request::new(EchoRequest::default())).await?.into_inner().served_by)
}

#[tokio::test]
async fn a_policy_of_ones_own_decides_by_its_settings_and_by_its_name() {
    let servers = ["1", "2"].map(TonicServer::start);
    let target = format!("ipv4:{},{}", servers[0].address(), servers[1].address());
    let by_settings = Channel::builder(&target).policy(LastConfig { refused: "/Unary" }).build().unwrap();
    let status = served_by(by_settings).await.unwrap_err();
    let text = "the load-balancing policy says NotFound, which only a server can: not here";
    assert_eq!((status.code(), status.message()), (Code::Internal, text), "gRFC A54");

    assert!(Channel::builder(&target).policy("last").build().is_err(), "nobody added it to this channel");
    let by_name = Channel::builder(&target).policy_factory(LastFactory).policy("last").build().unwrap();
    for _ in 0..5 {
        assert_eq!(served_by(by_name.clone()).await.unwrap(), "2");
    }
    assert_eq!(servers[0].service().calls(), 0);
}

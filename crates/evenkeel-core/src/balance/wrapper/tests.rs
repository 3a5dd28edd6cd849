use std::sync::Mutex;

use super::*;
use crate::balance::fake::{Constant, Fake, endpoints};
use crate::balance::{PickFailure, PickFirstConfig, PolicyConfig, SubchannelId};
use crate::state::ConnectivityState::{Connecting, Idle, Ready, TransientFailure};

/// Notes what it is told.
#[derive(Debug)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Noting {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }
}

impl Policy for Noting {
    fn on_update(&mut self, update: &PolicyUpdate<'_>, _: &mut dyn Controller) -> Result<(), Rejected> {
        self.note(format!("{} endpoints, {}", update.endpoints.len(), update.config.name()));
        Err(Rejected("never".into()))
    }

    fn on_resolver_error(&mut self, error: &Arc<str>, _: &mut dyn Controller) {
        self.note(format!("error {error}"));
    }

    fn on_subchannel_state(&mut self, update: &SubchannelUpdate, _: &mut dyn Controller) {
        self.note(update.to.to_string());
    }

    fn exit_idle(&mut self, _: &mut dyn Controller) {
        self.note("exit idle");
    }

    fn on_wake(&mut self, token: WakeToken, _: &mut dyn Controller) {
        self.note(format!("{token:?}"));
    }

    fn next_wakeup(&self) -> Option<Time> {
        Some(Time::ORIGIN)
    }

    fn on_wakeup(&mut self, _: &mut dyn Controller) {
        self.note("time");
    }

    fn state(&self) -> ConnectivityState {
        TransientFailure
    }

    fn snapshot(&self, _: &mut dyn Random) -> Published {
        Published::failing(PickFailure::unavailable("inner"))
    }
}

/// Lets one endpoint through, and no word of CONNECTING.
#[derive(Debug)]
struct First;

impl Wrap for First {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        let config = PickFirstConfig::default();
        let mut first = update.with_config(&config);
        first.endpoints = update.endpoints.get(..1).unwrap_or_default();
        inner.on_update(&first, controller)
    }

    fn on_subchannel_state(
        &mut self,
        update: &SubchannelUpdate,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) {
        if update.to != Connecting {
            inner.on_subchannel_state(update, controller);
        }
    }

    fn next_wakeup(&self) -> Option<Time> {
        Some(Time::ORIGIN)
    }

    fn on_wakeup(&mut self, inner: &mut dyn Policy, controller: &mut dyn Controller) {
        inner.on_resolver_error(&"its own time".into(), controller);
    }

    fn published(&self, inner: Published) -> Published {
        assert_eq!(inner.state, TransientFailure);
        Published::failing(PickFailure::unavailable("outer"))
    }
}

/// Changes nothing.
#[derive(Debug)]
struct Through;

impl Wrap for Through {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        inner: &mut dyn Policy,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        inner.on_update(update, controller)
    }
}

#[derive(Debug)]
struct OuterConfig;

impl PolicyConfig for OuterConfig {
    fn name(&self) -> &str {
        "outer"
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Wrapper::new(Through, PickFirstConfig::default().build()))
    }
}

/// What reaches a policy within a wrapper when everything happens to it that can.
fn told(own: impl Wrap) -> (Vec<String>, Published) {
    let notes = Arc::<Mutex<Vec<String>>>::default();
    let mut policy = Wrapper::new(own, Box::new(Noting(Arc::clone(&notes))));
    let fake = &mut Fake::default();
    let list = endpoints(0..3);
    assert_eq!(
        policy.on_update(&PolicyUpdate::new(&list, &OuterConfig), fake),
        Err(Rejected("never".into()))
    );
    policy.on_resolver_error(&"lost".into(), fake);
    for to in [Connecting, Ready] {
        let update = SubchannelUpdate { id: SubchannelId::new(0, 0), from: Idle, to, cause: None };
        policy.on_subchannel_state(&update, fake);
    }
    policy.exit_idle(fake);
    policy.on_wake(WakeToken(7), fake);
    assert_eq!(policy.next_wakeup(), Some(Time::ORIGIN));
    policy.on_wakeup(fake);
    assert_eq!(policy.state(), TransientFailure);
    let published = policy.snapshot(&mut Constant::default());
    let told = notes.lock().unwrap().clone();
    (told, published)
}

#[test]
fn everything_reaches_the_inner_policy() {
    let (told, published) = told(Through);
    let expected =
        ["3 endpoints, outer", "error lost", "CONNECTING", "READY", "exit idle", "WakeToken(7)", "time"];
    assert_eq!(told, expected);
    assert_eq!(published.failure, Some("inner".into()));
}

#[test]
fn a_wrapper_says_what_is_otherwise() {
    let (told, published) = told(First);
    let expected = [
        "1 endpoints, pick_first",
        "error lost",
        "READY",
        "exit idle",
        "WakeToken(7)",
        "error its own time",
        "time",
    ];
    assert_eq!(told, expected);
    assert_eq!(published.failure, Some("outer".into()));
}

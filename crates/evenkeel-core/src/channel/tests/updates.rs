//! What a resolver says besides a list, and what is answered to it.

use super::*;
use crate::balance::{Controller, Pick, Policy, PolicyUpdate, SubchannelUpdate};
use crate::random::Random;

fn list(numbers: &[u16]) -> Update {
    Update::endpoints(numbers.iter().map(|n| endpoint(*n)))
}

fn failure(world: &World) -> String {
    match world.pick() {
        Pick::Fail(failure) => failure.cause().to_string(),
        other => panic!("calls do not fail: {other:?}"),
    }
}

#[test]
fn a_resolver_that_is_sure_of_an_empty_list_takes_ready_endpoints_away() {
    let mut world = World::new();
    world.resolve(&[1, 2]);
    world.connect(1);
    let difference = world.update(Update::absent("the Service has no endpoints"));
    assert_eq!(difference, Difference { added: 0, removed: 2 });
    assert!(world.connected.is_empty() && world.dialling.is_empty(), "given up");
    assert_eq!(world.state, Some(TransientFailure));
    assert_eq!(failure(&world), "the Service has no endpoints");
}

#[test]
fn a_list_that_may_be_short_keeps_who_is_ready_until_the_connection_ends() {
    let mut world = World::new();
    world.resolve(&[1, 2, 3]);
    world.connect(1);
    world.connect(2);
    let difference = world.update(list(&[3, 4]).keep_ready());
    assert_eq!(difference, Difference { added: 1, removed: 0 });
    assert!(world.is_dialling(3) && world.is_dialling(4));
    assert_eq!(world.channel.heard.told().len(), 4);
    world.lose(1);
    assert!(!world.is_dialling(1), "it is not named any more");
    assert_eq!(world.channel.heard.told().len(), 3);
    let difference = world.update(list(&[3, 4]));
    assert_eq!(difference, Difference { added: 0, removed: 1 }, "said for sure");
    assert!(world.connected.is_empty());
}

#[test]
fn a_note_ends_every_failure_and_a_note_alone_is_passed_on() {
    let mut world = World::new();
    world.update(list(&[1]).with_note("the list is an hour old"));
    world.fail(1);
    assert_eq!(failure(&world), "no endpoint is READY; last error: 1 refused; the list is an hour old");
    world.update(list(&[1]).with_note("the list is two hours old"));
    assert!(failure(&world).ends_with("; the list is two hours old"), "{}", failure(&world));
    world.update(Update::absent("NXDOMAIN").with_note("asked 10.0.0.10"));
    assert_eq!(failure(&world), "NXDOMAIN; asked 10.0.0.10");
}

/// Takes no list longer than the settings allow.
#[derive(Debug)]
struct AtMost(usize);

#[derive(Debug, Default)]
struct Picky {
    told: usize,
    failing: bool,
}

impl PolicyConfig for AtMost {
    fn name(&self) -> &str {
        "picky"
    }

    fn build(&self) -> Box<dyn Policy> {
        Box::new(Picky::default())
    }
}

impl Policy for Picky {
    fn on_update(
        &mut self,
        update: &PolicyUpdate<'_>,
        controller: &mut dyn Controller,
    ) -> Result<(), Rejected> {
        let config: &dyn std::any::Any = update.config;
        let most = config.downcast_ref::<AtMost>().unwrap().0;
        self.told += 1;
        self.failing = update.endpoints.len() > most;
        controller.mark_changed();
        if self.failing { Err(Rejected(format!("more than {most}").into())) } else { Ok(()) }
    }

    fn on_resolver_error(&mut self, _: &Arc<str>, _: &mut dyn Controller) {}

    fn on_subchannel_state(&mut self, _: &SubchannelUpdate, _: &mut dyn Controller) {}

    fn state(&self) -> ConnectivityState {
        if self.failing { TransientFailure } else { Connecting }
    }

    fn snapshot(&self, _: &mut dyn Random) -> Published {
        Published::waiting(self.state())
    }
}

#[test]
fn a_policys_no_reaches_the_resolver_and_the_same_list_is_tried_again() {
    let mut world = World::with_policy(AtMost(2), Duration::ZERO, usize::MAX);
    assert_eq!(world.state, Some(Connecting), "a new policy's first word is heard unasked");
    let update = |world: &mut World, numbers: &[u16]| {
        let result = world.channel.on_update(world.now, list(numbers));
        world.work();
        result
    };
    let rejected = Err(Rejected("more than 2".into()));
    assert!(update(&mut world, &[1, 2]).is_ok());
    let publications = world.publications;
    assert_eq!(update(&mut world, &[1, 2, 3]), rejected);
    assert_eq!(update(&mut world, &[1, 2, 3]), rejected, "a policy may have come to another view");
    assert_eq!((world.publications, world.state), (publications + 2, Some(TransientFailure)));
    world.channel.on_policy(world.now, Arc::new(AtMost(3))).unwrap();
    world.work();
    assert_eq!(world.state, Some(Connecting), "endpoints and settings come together");
    assert!(update(&mut world, &[1, 2, 3]).is_ok());
    assert_eq!(world.publications, publications + 3, "what was accepted is not told again");
}

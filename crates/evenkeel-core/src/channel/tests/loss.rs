//! After the last READY endpoint is lost, calls wait for those that take its place.

use super::*;

const GRACE: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(10);

/// A channel that was READY with 1 and 2, and has just lost both; both refuse.
fn lost() -> World {
    let mut world = World::with_grace(GRACE);
    world.resolve(&[1, 2]);
    for n in [1, 2] {
        world.connect(n);
    }
    for n in [1, 2] {
        world.lose(n);
        world.fail(n);
    }
    world
}

impl World {
    fn waits(&self) -> bool {
        self.state == Some(Connecting) && matches!(self.pick(), Pick::Queue)
    }

    fn absent(&mut self) {
        self.update(Update::absent("NXDOMAIN").keep_ready());
    }

    /// When the channel asks the resolver, for so long, if each lookup is answered at once by `answer`.
    fn lookups(&mut self, time: Duration, mut answer: impl FnMut(&mut Self)) -> Vec<u128> {
        let (start, mut asked) = (self.now, Vec::new());
        self.resolutions.clear();
        while self.now.since(start) < time {
            self.pass(MOMENT);
            if self.resolutions.drain(..).any(|urgency| urgency == Urgency::AtOnce) {
                asked.push(self.now.since(start).as_millis());
                answer(self);
            }
        }
        asked
    }
}

#[test]
fn calls_wait_until_a_new_endpoint_is_ready() {
    let mut world = lost();
    assert!(world.waits());
    world.resolve(&[3]);
    assert!(world.waits());
    world.connect(3);
    assert_eq!(world.state, Some(Ready));
    world.lose(3);
    world.fail(3);
    assert!(world.waits(), "that is another loss");
}

#[test]
fn the_old_list_or_a_part_of_it_no_name_and_no_answer_end_nothing() {
    let mut world = lost();
    world.resolve(&[1, 2]);
    world.absent();
    world.resolve(&[2]);
    world.update(Update::failed("SERVFAIL"));
    world.resolve(&[2, 1]);
    world.fail(1);
    assert!(world.waits());
    let due = world.channel.table.next_timer().unwrap();
    world.pass(due.since(world.now));
    assert!(world.is_dialling(2), "the old ones are tried again when their backoff ends");
    world.fail(2);
    assert!(world.waits());
    world.pass(Duration::from_secs(1));
    world.pass(GRACE);
    assert_eq!(world.state, Some(TransientFailure));
    let Pick::Fail(failure) = world.pick() else { panic!("calls fail") };
    assert!(failure.cause().text().contains("refused"), "{failure:?}");
}

/// DNS servers do not all learn of a change at once.
#[test]
fn an_endpoint_that_left_the_list_a_moment_ago_is_not_a_new_one() {
    let mut world = World::with_grace(GRACE);
    world.resolve(&[1, 2]);
    world.connect(2);
    world.resolve(&[2]);
    world.lose(2);
    world.fail(2);
    world.resolve(&[1, 2]);
    world.fail(1);
    assert!(world.waits());
    world.resolve(&[1, 2, 3]);
    world.fail(3);
    assert_eq!(world.state, Some(TransientFailure), "3 is new, and all have failed");
}

#[test]
fn when_all_of_a_new_list_have_failed_once_calls_fail() {
    let mut world = lost();
    world.resolve(&[3, 4]);
    world.fail(3);
    assert!(world.waits());
    world.fail(4);
    assert_eq!(world.state, Some(TransientFailure));
}

#[test]
fn an_absent_name_first_keeps_the_old_endpoints_until_the_time_is_over() {
    let mut world = World::with_grace(GRACE);
    world.resolve(&[1, 2]);
    world.connect(1);
    world.absent();
    world.lose(1);
    assert!(world.is_dialling(1), "it may come back");
    world.fail(1);
    assert!(world.waits());
    world.absent();
    assert!(world.waits());
    world.pass(GRACE);
    assert_eq!(world.state, Some(TransientFailure));
    let Pick::Fail(failure) = world.pick() else { panic!("calls fail") };
    assert_eq!(&**failure.cause().text(), "NXDOMAIN");
    assert!(world.channel.heard.told().is_empty() && world.channel.next_wakeup().is_none());
}

#[test]
fn an_old_endpoint_that_comes_back_is_taken() {
    let mut world = lost();
    world.absent();
    let due = world.channel.table.next_timer().unwrap();
    world.pass(due.since(world.now));
    world.connect(1);
    assert_eq!(world.state, Some(Ready));
    assert_eq!(world.channel.heard.told().len(), 1, "2 is absent, and not READY");
}

#[test]
fn lookups_follow_each_other_at_growing_distances_until_calls_wait_no_more() {
    let mut world = lost();
    let asked = world.lookups(GRACE * 2, |world| {
        world.resolve(&[1, 2]);
    });
    assert_eq!(asked, [10, 110, 310, 710, 1_510, 2_510, 3_510, 4_510]);
    let mut world = lost();
    let asked = world.lookups(Duration::from_secs(1), |_| {});
    assert_eq!(asked, [10], "an answer that does not come is not asked for twice");
    let mut world = lost();
    let asked = world.lookups(Duration::from_secs(1), |world| {
        world.resolve(&[3]);
        world.connect(3);
    });
    assert_eq!(asked, [10]);
}

#[test]
fn a_channel_that_never_was_ready_fails_as_soon_as_all_have_failed() {
    let mut world = World::with_grace(GRACE);
    world.resolve(&[1]);
    world.fail(1);
    assert_eq!(world.state, Some(TransientFailure));
}

#[test]
fn without_a_grace_calls_fail_at_once() {
    let mut world = World::new();
    world.resolve(&[1]);
    world.connect(1);
    world.lose(1);
    world.fail(1);
    assert_eq!(world.state, Some(TransientFailure));
    assert!(!world.resolutions.contains(&Urgency::AtOnce));
}

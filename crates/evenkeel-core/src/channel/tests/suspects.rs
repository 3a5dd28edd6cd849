use super::*;
use crate::balance::PickFirstConfig;
use ConnectivityState::Idle;

impl World {
    fn connected_to(numbers: &[u16]) -> Self {
        let mut world = Self::new();
        world.resolve(numbers);
        numbers.iter().for_each(|n| world.connect(*n));
        world
    }

    fn link(&self, n: u16) -> (SubchannelId, AttemptId) {
        let name = endpoint(n).to_string();
        *self.connected.get(&name).or(self.aside.get(&name)).expect("connected")
    }

    fn suspect(&mut self, n: u16) {
        self.suspect_who(n, true);
    }

    fn suspect_who(&mut self, n: u16, served: bool) {
        let (id, attempt) = self.link(n);
        self.channel.on_suspected(self.now, id, attempt, served, "silent".into());
        self.work();
    }

    fn trust(&mut self, (id, attempt): (SubchannelId, AttemptId)) {
        self.channel.on_trusted(self.now, id, attempt);
        self.work();
    }

    fn end(&mut self, (id, attempt): (SubchannelId, AttemptId)) {
        self.channel.on_retired(self.now, id, attempt, true, "dead".into());
        self.work();
    }

    /// Which of `1..=9` calls go to.
    fn targets(&self) -> Vec<u16> {
        let picks = (0..20).filter_map(|_| match self.pick() {
            Pick::Go(picked) => Some(picked.subchannel),
            _ => None,
        });
        let picked: Vec<SubchannelId> = picks.collect();
        let is_picked = |n: &u16| {
            self.connected.get(&endpoint(*n).to_string()).is_some_and(|(id, _)| picked.contains(id))
        };
        (1..=9).filter(is_picked).collect()
    }
}

#[test]
fn a_suspect_leaves_the_picker_is_dialled_anew_and_keeps_its_calls() {
    let mut world = World::connected_to(&[1, 2]);
    world.suspect(1);
    assert_eq!(world.targets(), [2]);
    assert!(world.is_dialling(1), "beside");
    assert_eq!(world.aside.len(), 1, "it was not released");
}

#[test]
fn one_that_is_trusted_again_takes_calls_and_the_newer_connection_goes() {
    for newer_is_connected in [false, true] {
        let mut world = World::connected_to(&[1, 2]);
        let old = world.link(1);
        world.suspect(1);
        if newer_is_connected {
            world.connect(1);
            assert_ne!(world.link(1), old);
        }
        let published = world.publications;
        world.trust(old);
        assert!(world.publications > published, "calls that found no connection meanwhile pick again");
        assert_eq!(world.targets(), [1, 2]);
        assert_eq!(world.link(1), old, "the one that had the calls");
        assert!(!world.is_dialling(1) && world.aside.is_empty());
        world.suspect(1);
        assert_eq!(world.targets(), [2], "and may be suspected again");
    }
}

#[test]
fn the_end_of_one_that_was_put_aside_moves_nobody() {
    let mut world = World::connected_to(&[1, 2]);
    let old = world.link(1);
    world.suspect(1);
    world.connect(1);
    let published = world.publications;
    world.end(old);
    assert_eq!((world.targets(), world.publications), (vec![1, 2], published));
    assert!(world.aside.is_empty());
    world.trust(old);
    assert_eq!(world.targets(), [1, 2], "news of it are out of date");
}

#[test]
fn one_that_never_answers_is_dialled_anew_at_growing_distances() {
    let mut world = World::connected_to(&[1, 2]);
    let mut waits = Vec::new();
    for _ in 0..5 {
        world.suspect_who(1, false);
        let since = world.now;
        while !world.is_dialling(1) {
            world.pass(Duration::from_millis(100));
        }
        waits.push(world.now.since(since));
        world.connect(1);
    }
    assert!(waits.is_sorted() && waits[4] > 5 * waits[0], "{waits:?}");
    assert_eq!(world.aside.len(), 1, "the older ones went");
}

#[test]
fn when_all_are_suspect_none_is() {
    let mut world = World::connected_to(&[1, 2, 3]);
    world.suspect(1);
    world.suspect(2);
    assert_eq!(world.targets(), [3]);
    world.suspect(3);
    assert_eq!(world.targets(), [1, 2, 3]);
    assert!(world.aside.is_empty());
    world.trust(world.link(2));
    assert_eq!(world.targets(), [2], "until one is not");
}

#[test]
fn the_only_endpoint_stays() {
    let mut world = World::connected_to(&[1]);
    world.suspect(1);
    assert_eq!((world.targets(), world.state), (vec![1], Some(Ready)));
    world.trust(world.link(1));
    world.lose(1);
    assert_eq!(world.state, Some(Connecting));
    world.connect(1);
    assert_eq!(world.targets(), [1], "a new connection has a clean slate");
}

#[test]
fn a_suspect_is_taken_back_when_the_last_of_the_others_cannot_be_reached() {
    let mut world = World::connected_to(&[1, 2]);
    let old = world.link(1);
    world.suspect(1);
    world.lose(2);
    assert_eq!(world.state, Some(Connecting), "2 may be READY in a moment");
    world.fail(2);
    assert_eq!(world.targets(), [1], "calls may wait for it as well as for nobody");
    assert_eq!(world.link(1), old);
    world.pass(Duration::from_secs(2));
    world.connect(2);
    assert_eq!(world.targets(), [2], "it is suspect still");
}

#[test]
fn an_endpoint_that_leaves_the_list_lets_both_connections_go() {
    let mut world = World::connected_to(&[1, 2]);
    world.suspect(1);
    world.connect(1);
    world.resolve(&[2]);
    assert_eq!((world.connected.len(), world.aside.len(), world.dialling.len()), (1, 0, 0));
}

#[test]
fn pick_first_tries_another_address_and_keeps_to_a_suspect_when_there_is_none() {
    let mut world = World::with_policy(PickFirstConfig::default(), Duration::ZERO, usize::MAX);
    world.resolve(&[1, 2]);
    world.connect(1);
    world.suspect(1);
    assert_eq!(world.state, Some(Idle), "the next call tries");
    world.channel.exit_idle(world.now);
    world.work();
    world.pass(Duration::from_millis(250));
    world.fail(2);
    assert_eq!((world.targets(), world.state), (vec![1], Some(Ready)));
    assert_eq!(world.dialling.len(), 0, "and it does not try again and again");

    world.trust(world.link(1));
    world.suspect(1);
    world.channel.exit_idle(world.now);
    world.work();
    world.pass(Duration::from_millis(250));
    world.connect(2);
    assert_eq!((world.targets(), world.aside.len()), (vec![2], 0));
}

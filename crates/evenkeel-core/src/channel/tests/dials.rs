use super::*;
use crate::channel::table::Table;
use crate::endpoint::Address;

const MOST: usize = 2;

fn world() -> World {
    World::with(Duration::ZERO, MOST)
}

fn dialled(world: &World) -> u16 {
    let is_dialled = |n: &u16| world.is_dialling(*n);
    (1..=100).find(is_dialled).expect("something is being dialled")
}

#[test]
fn no_more_attempts_run_at_once_than_allowed_and_each_gets_its_turn() {
    let mut world = world();
    world.resolve(&(1..=100).collect::<Vec<_>>());
    for done in 0..100 {
        assert_eq!(world.dialling.len(), MOST.min(100 - done), "after {done}");
        let next = dialled(&world);
        if done % 3 == 0 { world.fail(next) } else { world.connect(next) }
    }
    assert_eq!(world.connected.len(), 66);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.dialling.len(), MOST, "what has failed is tried again, as many at a time");
}

#[test]
fn an_attempt_has_its_whole_time_from_when_its_turn_comes() {
    let mut world = World::with(Duration::ZERO, 1);
    world.resolve(&[1, 2]);
    let first = dialled(&world);
    let second = 3 - first;
    world.pass(Duration::from_secs(19));
    world.fail(first);
    assert_eq!(world.deadlines[&endpoint(second).to_string()], world.now + Duration::from_secs(20));
    world.fail(second);
    assert_eq!(world.state, Some(TransientFailure));
    world.pass(Duration::ZERO);
    assert!(world.is_dialling(first) && !world.is_dialling(second), "its backoff counts from its start, too");
}

#[test]
fn an_attempt_that_is_not_wanted_any_more_gives_its_turn_to_the_next() {
    let mut world = World::with(Duration::ZERO, 1);
    world.resolve(&[1, 2, 3]);
    let first = dialled(&world);
    let rest: Vec<u16> = [1, 2, 3].into_iter().filter(|n| *n != first).collect();
    world.resolve(&rest[1..]);
    assert_eq!(dialled(&world), rest[1], "neither the one that ran nor the one that waited is wanted");
    world.connect(rest[1]);
    assert_eq!((world.state, world.dialling.len()), (Some(Ready), 0));
}

#[test]
fn a_name_that_is_out_of_date_moves_nobody() {
    let settings = Settings {
        subchannel: connect::Settings::default(),
        connection_attempt_delay: Duration::from_millis(250),
        grace_after_loss: Duration::ZERO,
        max_connection_attempts: 9,
    };
    let address = Address::Name("a:1".into());
    let mut table = Table::new(settings, Box::new(|| 0));
    let old = table.create_subchannel(&address);
    table.remove_subchannel(old);
    let new = table.create_subchannel(&address);
    assert_eq!((old.index(), old == new), (new.index(), false), "the place is used again, the name is not");
    table.take_actions();
    table.connect(old);
    table.remove_subchannel(old);
    assert_eq!(table.take_actions(), []);
    table.connect(new);
    assert!(matches!(table.take_actions()[..], [Action::Report { .. }, Action::Connect { .. }]));
}

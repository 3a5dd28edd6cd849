use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A connection in virtual time, and a server that counts strikes as grpc-go does.
struct World {
    liveness: Liveness,
    now: Time,
    open: bool,
    pings: Vec<Time>,
    told: Vec<(Time, Step)>,
    server: Server,
}

/// `handlePing` of grpc-go with its defaults: no PING sooner than 5 minutes after the one before.
#[derive(Default)]
struct Server {
    reset: bool,
    strikes: u32,
    last: Option<Time>,
    most_strikes: u32,
}

impl Server {
    fn on_ping(&mut self, now: Time) {
        if std::mem::take(&mut self.reset) {
            self.strikes = 0;
        } else if self.last.is_some_and(|last| now.since(last) < 5 * MINUTE) {
            self.strikes += 1;
        }
        self.last = Some(now);
        self.most_strikes = self.most_strikes.max(self.strikes);
    }
}

impl World {
    fn new() -> Self {
        Self::with(Settings { suspect_after: SECOND, keepalive: None })
    }

    fn with(settings: Settings) -> Self {
        let liveness = Liveness::new(settings, Time::ORIGIN, Duration::from_millis(1));
        let (told, pings) = (Vec::new(), Vec::new());
        Self { liveness, now: Time::ORIGIN, open: false, pings, told, server: Server::default() }
    }

    fn see(&mut self, seen: Seen) {
        self.liveness.on_seen(self.now, Seen { open: self.open, ..seen });
        while let Some(step) = self.liveness.next_step(self.now) {
            if step == Step::Ping {
                self.pings.push(self.now);
                self.server.on_ping(self.now);
            } else {
                self.told.push((self.now, step));
            }
        }
    }

    fn call(&mut self) {
        self.open = true;
        self.see(Seen { called: true, ..Seen::default() });
    }

    fn answer(&mut self) {
        self.open = false;
        self.server.reset = true;
        self.see(Seen { received: true, messages: true, ..Seen::default() });
    }

    fn ack(&mut self) {
        self.see(Seen { received: true, acked: true, ..Seen::default() });
    }

    /// Lets time pass, and looks whenever that is wanted.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.liveness.next_wakeup().filter(|due| *due <= end) {
            assert!(due >= self.now, "a look that was missed");
            self.now = due;
            self.see(Seen::default());
        }
        self.now = end;
    }

    fn at(&self, seconds: u64) -> Time {
        Time::after_origin(Duration::from_secs(seconds))
    }
}

#[test]
fn a_server_that_hangs_is_suspected_within_two_seconds_and_given_up_after_twenty() {
    let mut world = World::new();
    world.call();
    world.pass(MINUTE);
    assert_eq!(world.pings[0], world.at(1));
    assert_eq!(world.told[0], (world.at(2), Step::Suspect));
    assert_eq!(world.told[1], (world.at(21), Step::End));
}

#[test]
fn calls_that_give_up_do_not_hide_that_nothing_comes() {
    let mut world = World::new();
    for _ in 0..4 {
        world.call();
        world.pass(Duration::from_millis(300));
        world.open = false;
        world.see(Seen::default());
        world.pass(Duration::from_millis(300));
    }
    assert_eq!(
        world.pings,
        [Time::after_origin(Duration::from_millis(1_200))],
        "as soon as a call waits again"
    );
    assert_eq!(world.told, [(Time::after_origin(Duration::from_millis(2_200)), Step::Suspect)]);
}

#[test]
fn whatever_comes_makes_it_whole_again() {
    for ack in [false, true] {
        let mut world = World::new();
        world.call();
        world.pass(3 * SECOND);
        if ack {
            world.ack()
        } else {
            world.see(Seen { received: true, ..Seen::default() })
        }
        assert_eq!(world.told, [(world.at(2), Step::Suspect), (world.at(3), Step::Trust)]);
        world.pass(20 * SECOND);
        let last = world.told.last().unwrap();
        assert_eq!(*last, (world.at(5), Step::Suspect), "silence begins anew, ACK or not: {ack}");
    }
}

#[test]
fn nobody_is_asked_while_answers_come_or_nothing_is_waited_for() {
    let mut world = World::new();
    world.pass(MINUTE);
    for _ in 0..100 {
        world.call();
        world.pass(Duration::from_millis(990));
        world.answer();
        world.pass(Duration::from_millis(990));
    }
    assert_eq!((world.pings.len(), world.told.len()), (0, 0));
    assert_eq!(world.liveness.next_wakeup(), None);
}

#[test]
fn a_long_way_is_given_four_round_trips() {
    let mut world = World::new();
    world.liveness.round_trip = 2 * SECOND;
    world.call();
    world.pass(8 * SECOND);
    assert_eq!((world.pings.len(), world.told.len()), (1, 0));
    world.pass(SECOND);
    assert_eq!(world.told, [(world.at(9), Step::Suspect)]);
}

#[test]
fn who_was_stopped_itself_suspects_nobody() {
    for before in [Duration::from_millis(500), Duration::from_millis(1_500)] {
        let mut world = World::new();
        world.call();
        world.pass(before);
        world.now = world.now + 5 * SECOND;
        world.see(Seen::default());
        assert_eq!(world.told, []);
        // The server has answered meanwhile, but not to what never reached it.
        world.pass(Duration::from_millis(990));
        assert_eq!(world.told, []);
        world.answer();
        world.pass(MINUTE);
        assert_eq!(world.told, [], "stopped after {before:?}");
    }
}

#[test]
fn a_server_at_work_on_a_long_call_is_never_given_a_reason_for_a_third_strike() {
    let mut world = World::new();
    world.call();
    for _ in 0..15 * 60 {
        world.pass(SECOND);
        if world.pings.last() == Some(&world.now) {
            world.ack();
        }
        // Other calls begin and give up, which is another PING at most.
        world.see(Seen { called: true, ..Seen::default() });
    }
    assert_eq!(world.told, []);
    assert!(world.pings.len() >= 4, "{:?}", world.pings);
    assert!(world.server.most_strikes <= 2, "{} strikes", world.server.most_strikes);
}

#[test]
fn answers_in_between_make_room_for_pings_and_no_strikes() {
    let mut world = World::new();
    for round in 0..1_000 {
        world.call();
        world.pass(Duration::from_millis(1_000 + round % 7 * 500));
        if world.liveness.ping.is_some() && round % 2 == 0 {
            world.ack();
        }
        world.answer();
        if world.liveness.ping.is_some() {
            world.ack();
        }
    }
    assert!(world.server.most_strikes <= 2, "{} strikes", world.server.most_strikes);
    assert!(world.pings.len() > 500);
}

#[test]
fn keepalive_asks_after_silence_and_ends_what_is_dead() {
    let keepalive = Keepalive { interval: 10 * SECOND, timeout: 5 * SECOND, without_calls: true };
    let mut world = World::with(Settings { suspect_after: Duration::ZERO, keepalive: Some(keepalive) });
    world.pass(10 * SECOND);
    assert_eq!(world.pings, [world.at(10)]);
    world.ack();
    world.pass(20 * SECOND);
    assert_eq!(world.pings, [world.at(10), world.at(20)]);
    assert_eq!(world.told, [(world.at(25), Step::End)], "nobody is suspected before");

    let with_calls = Keepalive { without_calls: false, ..keepalive };
    let mut world = World::with(Settings { suspect_after: Duration::ZERO, keepalive: Some(with_calls) });
    world.pass(MINUTE);
    assert_eq!(world.pings, []);
    world.call();
    assert_eq!(world.pings, [world.at(60)], "silence was long enough by then");
}

#[test]
fn off_is_off() {
    let mut world = World::with(Settings::default());
    world.call();
    world.pass(10 * MINUTE);
    assert!(world.liveness.is_off() && world.pings.is_empty() && world.told.is_empty());
}

//! `cargo run --release -p evenkeel-bench --bin endpoints`: what a change of endpoints costs a channel of thousands.
//!
//! Links are simulated: the deciding core is told what sockets would tell it. Times are printed to be read beside each
//! other; the command fails when what a change allocates grows with the number of endpoints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_core::balance::{PolicyConfig, Published, RoundRobinConfig, SubchannelId};
use evenkeel_core::channel::{Action, AttemptId, ChannelCore, Settings};
use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::time::Time;
use evenkeel_core::update::Update;

/// Both are trees of three levels: the same work, were it not for their length.
const FEW: u32 = 2_000;
const MANY: u32 = 20_000;
/// The root of the longer list's tree may be that much fuller: 32 entries of a few words.
const FULLER_ROOT: u64 = 32 * 16;
/// So often each change is made.
const ROUNDS: usize = 200;

type Change = fn(&mut World, usize);

const CHANGES: [(&str, Change); 3] = [
    ("a GOAWAY", World::lose_one),
    ("a connect", World::connect_one),
    ("an unchanged answer", World::resolve_again),
];

/// A channel that is connected to all its endpoints.
struct World {
    channel: ChannelCore,
    now: Time,
    /// Equal lists, which nothing but a look at each entry can tell.
    lists: [Arc<[Endpoint]>; 2],
    links: Vec<Option<(SubchannelId, AttemptId)>>,
    lost: Option<(SubchannelId, AttemptId)>,
    /// Calls go by it while the next one is made.
    published: Option<Published>,
}

/// What a change costs, in the middle of all rounds: tables grow once in a while.
struct Cost {
    bytes: u64,
    took: Duration,
}

fn main() -> ExitCode {
    println!("{:<34} {:>10} {:>10} {:>10} {:>10}", "", "time", "time", "bytes", "bytes");
    println!("{:<34} {FEW:>10} {MANY:>10} {FEW:>10} {MANY:>10}", "endpoints");
    let policies: [Arc<dyn PolicyConfig>; 1] = [Arc::new(RoundRobinConfig::default())];
    let mut grows = false;
    for policy in &policies {
        let (mut few, mut many) = (World::new(policy, FEW), World::new(policy, MANY));
        for (name, few, many) in costs(&mut few, &mut many) {
            let name = format!("{}: {name}", policy.name());
            let (few_took, many_took) = (format!("{:.1?}", few.took), format!("{:.1?}", many.took));
            println!("{name:<34} {few_took:>10} {many_took:>10} {:>10} {:>10}", few.bytes, many.bytes);
            grows |= many.bytes > few.bytes + FULLER_ROOT;
        }
    }
    if grows {
        eprintln!("what a change allocates grows with the number of endpoints");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Makes the changes in turn, in both worlds.
fn costs(few: &mut World, many: &mut World) -> Vec<(&'static str, Cost, Cost)> {
    let mut counted = CHANGES.map(|(name, _)| (name, Vec::new(), Vec::new()));
    for round in 0..ROUNDS {
        for ((_, change), (_, of_few, of_many)) in CHANGES.iter().zip(&mut counted) {
            of_few.push(cost(|| change(few, round)));
            of_many.push(cost(|| change(many, round)));
        }
    }
    counted.into_iter().map(|(name, of_few, of_many)| (name, middle(&of_few), middle(&of_many))).collect()
}

fn cost(change: impl FnOnce()) -> Cost {
    let mut took = Duration::ZERO;
    let counted = allocation_counter::measure(|| {
        let started = Instant::now();
        change();
        took = started.elapsed();
    });
    Cost { bytes: counted.bytes_total, took }
}

fn middle(costs: &[Cost]) -> Cost {
    Cost {
        bytes: median(costs.iter().map(|cost| cost.bytes)),
        took: median(costs.iter().map(|cost| cost.took)),
    }
}

fn median<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl World {
    fn new(policy: &Arc<dyn PolicyConfig>, count: u32) -> Self {
        let settings = Settings {
            subchannel: evenkeel_core::connect::Settings::default(),
            connection_attempt_delay: Duration::from_millis(250),
            grace_after_loss: Duration::ZERO,
            max_connection_attempts: 256,
        };
        let channel = ChannelCore::new(Arc::clone(policy), settings, Box::new(|| 0x9e37_79b9_7f4a_7c15));
        let address = |n: u32| SocketAddr::from((std::net::Ipv4Addr::from_bits(0x0a00_0000 + n), 50_051));
        let lists = [(); 2].map(|()| (0..count).map(|n| Endpoint::from(address(n))).collect::<Arc<[_]>>());
        let [list, _] = lists.clone();
        let mut world = Self {
            channel,
            now: Time::ORIGIN,
            lists,
            links: vec![None; list.len()],
            lost: None,
            published: None,
        };
        world.hear(list);
        while let attempts @ [_, ..] = world.work().as_slice() {
            attempts.iter().for_each(|attempt| world.connect(*attempt));
        }
        world.publish();
        world
    }

    /// The attempts that are to be made now.
    fn work(&mut self) -> Vec<(SubchannelId, AttemptId)> {
        let actions = self.channel.take_actions().into_iter();
        let attempts = actions.filter_map(|action| match action {
            Action::Connect { id, attempt, .. } => Some((id, attempt)),
            _ => None,
        });
        attempts.collect()
    }

    fn connect(&mut self, (id, attempt): (SubchannelId, AttemptId)) {
        self.channel.on_connected(self.now, id, attempt);
        if let Some(place) = self.links.get_mut(id.index()) {
            *place = Some((id, attempt));
        }
    }

    fn lose_one(&mut self, round: usize) {
        let index = round * 7 % self.links.len();
        let Some((id, attempt)) = self.links.get_mut(index).and_then(Option::take) else { return };
        // Otherwise it would be a short life, which is a failure, and its backoff would have to pass.
        self.now = self.now + Duration::from_secs(1);
        self.channel.on_retired(self.now, id, attempt, true, "GOAWAY".into());
        self.lost = self.work().pop();
        self.publish();
    }

    fn connect_one(&mut self, _: usize) {
        if let Some(attempt) = self.lost.take() {
            self.connect(attempt);
            self.work();
            self.publish();
        }
    }

    fn resolve_again(&mut self, _: usize) {
        self.lists.reverse();
        let [list, _] = self.lists.clone();
        self.hear(list);
        self.work();
    }

    fn hear(&mut self, list: Arc<[Endpoint]>) {
        let mut update = Update::endpoints([]);
        update.endpoints = Ok(list);
        assert!(self.channel.on_update(self.now, update).is_ok(), "a list that the policy rejects");
    }

    fn publish(&mut self) {
        let published = self.channel.take_publication();
        assert!(published.is_some(), "a change that nobody was told of");
        self.published = published;
    }
}

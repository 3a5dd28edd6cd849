//! What befalls a world: a seeded script of faults, each with its beginning and its end.

mod dns;
mod links;
mod pods;

use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;

/// The kinds of faults, as a run counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// SIGKILL; the container starts again at the same address.
    KillAndRestart,
    /// SIGKILL; another pod takes its place at another address.
    KillAndReplace,
    /// The host is gone without a word, and comes back.
    CrashAndRestart,
    /// The host is gone without a word, for good.
    CrashAndReplace,
    /// SIGTERM, while another pod takes its place.
    Replace,
    /// SIGTERM to every pod, one after the other.
    RollOneByOne,
    /// SIGTERM to every pod at once.
    RollAllAtOnce,
    /// One pod more.
    ScaleUp,
    /// One pod less, by SIGTERM.
    ScaleDown,
    /// SIGSTOP, then SIGCONT.
    Hang,
    /// The process is killed, and its successors accept connections and close them at once.
    CrashLoop,
    /// The process is killed, and its successor accepts connections and says nothing.
    Mute,
    /// Every connection of a pod is reset by somebody in the middle.
    Reset,
    /// No packet comes through between a pod and some clients, one way or both ways.
    Partition,
    /// Packets between a pod and some clients are slow, and some are lost.
    Degrade,
    /// DNS fails in one of a dozen ways.
    Dns,
}

/// What befalls one world more often, and how often anything does.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    weights: Vec<(Fault, u32)>,
    /// The mean time between two faults.
    every: Duration,
}

const ALL: [(Fault, u32); 16] = [
    (Fault::KillAndRestart, 8),
    (Fault::KillAndReplace, 6),
    (Fault::CrashAndRestart, 6),
    (Fault::CrashAndReplace, 4),
    (Fault::Replace, 10),
    (Fault::RollOneByOne, 4),
    (Fault::RollAllAtOnce, 2),
    (Fault::ScaleUp, 4),
    (Fault::ScaleDown, 4),
    (Fault::Hang, 6),
    (Fault::CrashLoop, 4),
    (Fault::Mute, 4),
    (Fault::Reset, 8),
    (Fault::Partition, 10),
    (Fault::Degrade, 8),
    (Fault::Dns, 12),
];

impl Mix {
    /// Each world has a taste of its own: half of the kinds come four times as often.
    pub(crate) fn draw(random: &mut Rng) -> Self {
        let taste = |(fault, weight)| (fault, if random.bool() { weight * 4 } else { weight });
        let weights = ALL.map(taste).to_vec();
        Self { weights, every: Duration::from_millis(random.u64(1_000..8_000)) }
    }

    fn pick(&self, random: &mut Rng) -> Fault {
        let total = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut left = random.u32(0..total);
        for (fault, weight) in &self.weights {
            if left < *weight {
                return *fault;
            }
            left -= weight;
        }
        Fault::Reset
    }
}

/// Lets faults happen for so long, and returns when each of them is over and every pod that is left is well.
pub(crate) async fn rage(cluster: &Cluster, mix: &Mix, mut random: Rng, duration: Duration) {
    let end = Instant::now() + duration;
    let mut running = JoinSet::new();
    while Instant::now() < end {
        sleep(mix.every.mul_f64(2.0 * random.f64())).await;
        let fault = mix.pick(&mut random);
        running.spawn(befall(cluster.clone(), fault, random.fork()));
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

async fn befall(cluster: Cluster, fault: Fault, mut random: Rng) {
    let random = &mut random;
    match fault {
        Fault::KillAndRestart => pods::kill_and_restart(&cluster, random).await,
        Fault::KillAndReplace => pods::kill_and_replace(&cluster, random).await,
        Fault::CrashAndRestart => pods::crash(&cluster, random, true).await,
        Fault::CrashAndReplace => pods::crash(&cluster, random, false).await,
        Fault::Replace => pods::replace(&cluster, random).await,
        Fault::RollOneByOne => pods::roll_one_by_one(&cluster, random).await,
        Fault::RollAllAtOnce => pods::roll_all_at_once(&cluster, random).await,
        Fault::ScaleUp => pods::scale_up(&cluster, random).await,
        Fault::ScaleDown => pods::scale_down(&cluster, random).await,
        Fault::Hang => pods::hang(&cluster, random).await,
        Fault::CrashLoop => pods::misbehave(&cluster, random, Fault::CrashLoop).await,
        Fault::Mute => pods::misbehave(&cluster, random, Fault::Mute).await,
        Fault::Reset => links::reset(&cluster, random),
        Fault::Partition => links::partition(&cluster, random).await,
        Fault::Degrade => links::degrade(&cluster, random).await,
        Fault::Dns => dns::fail(&cluster, random).await,
    }
}

/// A time between the two, short ones more often.
fn between(random: &mut Rng, least: f64, most: f64) -> Duration {
    let share = random.f64() * random.f64();
    Duration::from_secs_f64(least + (most - least) * share)
}

async fn pause(random: &mut Rng, least: f64, most: f64) {
    sleep(between(random, least, most)).await;
}

//! One world: built from a seed, tormented, left in peace, and judged.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use evenkeel::Channel;
use fastrand::Rng;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client;
use crate::cluster::{Cluster, Zone};
use crate::faults::{Fault, Mix, rage};
use crate::judge::{Judge, Violation};
use crate::log::{Line, Log};
use crate::net::Net;

/// Calls a second, of each client.
const RATE: f64 = 8.0;
/// The longest that a pod may go without calls after the last fault: the connect backoff's cap (120 s) with its
/// jitter, one attempt (20 s), and the longest way to a fresh answer (30 s, 15 % jitter, two time-outs).
const RECOVERY: Duration = Duration::from_secs(210);
/// In so long, a steady pod has had a call from every client.
const WINDOW: Duration = Duration::from_secs(20);
/// How long shares are counted, and how far a pod's may be from the mean beside three calls.
const SHARES_OVER: Duration = Duration::from_secs(20);
const UNEVEN: f64 = 0.15;

/// What one world came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed: the same one makes the same world.
    pub seed: u64,
    /// How long it lived, in virtual time.
    pub lived: Duration,
    /// What befell it, by kind.
    pub faults: BTreeMap<Fault, u64>,
    /// How its calls ended.
    pub calls: BTreeMap<String, u64>,
    /// Calls that had a steady pod from their beginning to their end: those the invariant speaks of.
    pub covered: u64,
    /// From the last fault's end until every pod had calls from every client again.
    pub recovery: Duration,
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// Everything that happened.
    pub log: Vec<Line>,
}

/// Runs one world to its end, on a runtime of its own on this thread.
///
/// # Errors
/// When the runtime cannot be made.
pub fn run(seed: u64) -> std::io::Result<Outcome> {
    run_world(seed, false)
}

/// A world with only such faults as the judge is not told of: it must find something against them.
///
/// # Errors
/// When the runtime cannot be made.
pub fn run_sabotaged(seed: u64) -> std::io::Result<Outcome> {
    run_world(seed, true)
}

fn run_world(seed: u64, is_sabotaged: bool) -> std::io::Result<Outcome> {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    let runtime = builder.build()?;
    // evenkeel draws from the thread's generator.
    fastrand::seed(seed);
    Ok(runtime.block_on(live(seed, is_sabotaged)))
}

/// A world while it lives.
struct World {
    random: Rng,
    log: Log,
    judge: Judge,
    net: Net,
    cluster: Cluster,
    clients: Vec<IpAddr>,
    tormented: Duration,
}

async fn live(seed: u64, is_sabotaged: bool) -> Outcome {
    let mut world = World::new(seed);
    let dns = tokio::spawn(world.cluster.zone.clone().serve(world.net.clone()));
    let shares = tokio::spawn(watch_shares(world.judge.clone(), world.clients.clone()));
    let (rate, rates) = watch::channel(RATE);
    let mut callers = JoinSet::new();
    for client in world.clients.clone() {
        match client::channel(&world.net, client, &world.judge) {
            Ok(channel) => world.start_client(&mut callers, channel, client, rates.clone()),
            Err(error) => world.judge.blame(format!("no channel: {error}")),
        }
    }
    let mix = Mix::draw(&mut world.random);
    sleep(Duration::from_secs(5)).await;
    let random = world.random.fork();
    if is_sabotaged {
        sabotage(&world.cluster).await;
    } else {
        rage(&world.cluster, &mix, random, world.tormented).await;
    }
    world.log.add("the faults are over");
    let recovery = world.recover().await;
    world.compare_shares().await;
    shares.abort();
    rate.send_replace(0.0);
    while callers.join_next().await.is_some() {}
    world.look_for_leaks(dns).await;
    world.judged(seed, recovery)
}

/// Resets connections, and takes a pod away from everybody for longer than a window, without a word to the judge.
async fn sabotage(cluster: &Cluster) {
    for pod in cluster.pod_ips() {
        cluster.clients.iter().for_each(|client| cluster.net.set_way(*client, pod, |way| way.cut = true));
        sleep(WINDOW * 2).await;
        cluster.clients.iter().for_each(|client| cluster.net.repair(pod, *client));
        for _ in 0..100 {
            cluster.net.reset(pod);
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A pod that was steady all the while has had calls.
async fn watch_shares(judge: Judge, clients: Vec<IpAddr>) {
    loop {
        let before: Vec<_> = clients.iter().map(|client| judge.on_window_opened(*client)).collect();
        sleep(WINDOW).await;
        before.into_iter().for_each(|window| judge.on_window_closed(window));
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let log = Log::start();
        let latency = Duration::from_micros(random.u64(200..10_000));
        let ttl = *random.choice(&[0, 1, 5, 5, 30, 60]).unwrap_or(&5);
        let max_age = random.bool().then(|| Duration::from_secs(random.u64(2..60)));
        let mixed = random.bool();
        let clients: Vec<IpAddr> = (1..=random.u8(1..=2)).map(client::address).collect();
        let pods = random.u8(3..=6);
        let tormented = Duration::from_secs(random.u64(60..180));
        log.add(format!(
            "seed {seed}: {pods} pods (IPv6 {mixed}), max age {max_age:?}, {} clients, latency {latency:?}, TTL {ttl} s",
            clients.len()
        ));
        let net = Net::new(random.u64(..), latency);
        let judge = Judge::new(log.clone(), &clients, max_age.is_some());
        let zone = Zone::new(ttl, judge.clone(), random.fork());
        let cluster =
            Cluster::new(net.clone(), zone, log.clone(), judge.clone(), clients.clone(), max_age, mixed);
        for client in &clients {
            net.add_host(*client);
        }
        for _ in 0..pods {
            let pod = cluster.add_pod();
            cluster.zone.publish(pod);
        }
        Self { random, log, judge, net, cluster, clients, tormented }
    }

    fn start_client(
        &mut self,
        callers: &mut JoinSet<()>,
        channel: Channel,
        client: IpAddr,
        rates: watch::Receiver<f64>,
    ) {
        let random = self.random.fork();
        callers.spawn(client::run(channel, client, self.judge.clone(), random, rates));
    }

    /// Waits until every client has had an answer from every pod.
    async fn recover(&self) -> Duration {
        self.judge.restart_shares();
        let start = Instant::now();
        loop {
            let shares = self.judge.shares();
            let missing: Vec<_> = self.pairs().filter(|pair| !shares.contains_key(pair)).collect();
            if missing.is_empty() {
                return start.elapsed();
            }
            if start.elapsed() > RECOVERY {
                self.judge.blame(format!("no calls after {RECOVERY:?}, by client and pod: {missing:?}"));
                return start.elapsed();
            }
            sleep(Duration::from_millis(250)).await;
        }
    }

    async fn compare_shares(&self) {
        self.judge.restart_shares();
        sleep(SHARES_OVER).await;
        let shares = self.judge.shares();
        let pods = self.cluster.pod_ips();
        // Each aged connection makes a new picker, which begins anywhere: then shares are a matter of chance, too.
        let chance = if self.cluster.is_aging() { 5.0 } else { 0.0 };
        for client in &self.clients {
            let of = |pod: &IpAddr| shares.get(&(*client, *pod)).copied().unwrap_or(0);
            let mean = pods.iter().map(of).sum::<u64>() as f64 / pods.len() as f64;
            for pod in &pods {
                let off = (of(pod) as f64 - mean).abs();
                if off > 3.0 + UNEVEN * mean + chance * mean.sqrt() {
                    let text = format!("{pod} had {} calls of {client}, the mean is {mean:.1}", of(pod));
                    self.judge.blame(text);
                }
            }
        }
    }

    /// Stops everything, and looks at what is left.
    async fn look_for_leaks(&self, dns: tokio::task::JoinHandle<()>) {
        let running = self.judge.running_calls();
        if running > 0 {
            self.judge.blame(format!("{running} calls have not ended"));
        }
        for pod in self.cluster.pod_ips() {
            self.cluster.drain(pod).await;
        }
        dns.abort();
        // A lookup that is given up has answers on their way.
        sleep(Duration::from_secs(30)).await;
        let (tasks, connections) =
            (Handle::current().metrics().num_alive_tasks(), self.net.open_connections());
        if tasks + connections > 0 {
            self.judge.blame(format!("{tasks} tasks and {connections} connections are left"));
        }
    }

    fn judged(&self, seed: u64, recovery: Duration) -> Outcome {
        let verdict = self.judge.verdict();
        Outcome {
            seed,
            lived: self.log.elapsed(),
            faults: verdict.faults,
            calls: verdict.calls,
            covered: verdict.covered,
            recovery,
            violations: verdict.violations,
            log: self.log.take(),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let pods = self.cluster.pod_ips();
        self.clients.iter().flat_map(move |client| {
            let client = *client;
            pods.clone().into_iter().map(move |pod| (client, pod))
        })
    }
}

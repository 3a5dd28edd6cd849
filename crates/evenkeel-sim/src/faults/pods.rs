//! Faults of pods, the wanted ones of a rollout among them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{Fault, between, pause};
use crate::cluster::{Cluster, PORT};
use crate::judge::Harm;
use crate::net::USER_TIMEOUT;

/// Never fewer pods than this, and never more than that.
const FEWEST: usize = 2;
const MOST: usize = 8;

pub(super) async fn kill_and_restart(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let down = between(random, 0.2, 20.0);
    cluster.judge.on_fault(Fault::KillAndRestart, format!("{pod}: killed, back in {down:.1?}"));
    let back = Instant::now() + down;
    cluster.judge.on_trouble(pod, None, Harm::Cuts);
    cluster.kill(pod);
    pause(random, 0.0, 2.0).await;
    if random.bool() {
        cluster.zone.withdraw(pod);
    }
    sleep_until(back).await;
    come_back(cluster, random, pod).await;
}

pub(super) async fn kill_and_replace(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    cluster.judge.on_fault(Fault::KillAndReplace, format!("{pod}: killed"));
    cluster.judge.on_trouble(pod, None, Harm::Cuts);
    cluster.kill(pod);
    pause(random, 0.0, 2.0).await;
    if random.bool() {
        cluster.zone.withdraw(pod);
    }
    pause(random, 0.0, 5.0).await;
    cluster.remove(pod);
    take_place(cluster, random).await;
}

pub(super) async fn crash(cluster: &Cluster, random: &mut Rng, comes_back: bool) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let down = between(random, 0.5, 60.0);
    let (kind, text) = match comes_back {
        true => (Fault::CrashAndRestart, format!("{pod}: host gone, back in {down:.1?}")),
        false => (Fault::CrashAndReplace, format!("{pod}: host gone for good, noticed in {down:.1?}")),
    };
    cluster.judge.on_fault(kind, text);
    let start = Instant::now();
    cluster.judge.on_trouble(pod, None, Harm::Cuts);
    cluster.net.remove_host(pod);
    cluster.kill(pod);
    let patience = USER_TIMEOUT + between(random, 0.0, 5.0);
    sleep_until(start + down.min(patience)).await;
    if down > patience {
        cluster.net.time_out(pod, None);
        cluster.zone.withdraw(pod);
        sleep_until(start + down).await;
    }
    if comes_back {
        cluster.net.restart_host(pod);
        pause(random, 0.0, 3.0).await;
        come_back(cluster, random, pod).await;
    } else {
        cluster.zone.withdraw(pod);
        take_place(cluster, random).await;
        sleep_until(start + patience).await;
        cluster.net.time_out(pod, None);
        cluster.remove(pod);
    }
}

pub(super) async fn replace(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    cluster.judge.on_fault(Fault::Replace, format!("{pod}: to be replaced"));
    take_place(cluster, random).await;
    terminate(cluster, random, pod).await;
}

pub(super) async fn roll_one_by_one(cluster: &Cluster, random: &mut Rng) {
    let pods = cluster.seize_all();
    cluster.judge.on_fault(Fault::RollOneByOne, format!("{pods:?}: to be replaced one by one"));
    for pod in pods {
        take_place(cluster, random).await;
        pause(random, 0.0, 3.0).await;
        terminate(cluster, random, pod).await;
    }
}

pub(super) async fn roll_all_at_once(cluster: &Cluster, random: &mut Rng) {
    let pods = cluster.seize_all();
    let before = random.bool();
    cluster.judge.on_fault(Fault::RollAllAtOnce, format!("{pods:?}: to be replaced, new first: {before}"));
    let mut ending = JoinSet::new();
    if before {
        for _ in &pods {
            take_place(cluster, random).await;
        }
    }
    for pod in pods.clone() {
        let (cluster, mut random) = (cluster.clone(), random.fork());
        ending.spawn(async move { terminate(&cluster, &mut random, pod).await });
    }
    if !before {
        for _ in &pods {
            take_place(cluster, random).await;
        }
    }
    while ending.join_next().await.is_some() {}
}

pub(super) async fn scale_up(cluster: &Cluster, random: &mut Rng) {
    if cluster.pod_ips().len() < MOST {
        cluster.judge.on_fault(Fault::ScaleUp, "one pod more".to_owned());
        take_place(cluster, random).await;
    }
}

pub(super) async fn scale_down(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, FEWEST) else { return };
    cluster.judge.on_fault(Fault::ScaleDown, format!("{pod}: one pod less"));
    terminate(cluster, random, pod).await;
}

pub(super) async fn hang(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let duration = between(random, 0.2, 30.0);
    cluster.judge.on_fault(Fault::Hang, format!("{pod}: stopped for {duration:.1?}"));
    // Only its sockets stand still: its timers run on, so that the age of a connection closes it over what is not read yet.
    let harm = if cluster.is_aging() { Harm::Cuts } else { Harm::Delays };
    cluster.judge.on_trouble(pod, None, harm);
    cluster.net.freeze(pod);
    sleep(duration).await;
    cluster.net.thaw(pod);
    cluster.judge.on_trouble_over(pod, None, harm);
    cluster.log.add(format!("{pod}: goes on"));
    cluster.release(pod);
}

/// A process that accepts connections and closes them, or holds them and says nothing.
pub(super) async fn misbehave(cluster: &Cluster, random: &mut Rng, kind: Fault) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let duration = between(random, 1.0, 40.0);
    cluster.judge.on_fault(kind, format!("{pod}: {kind:?} for {duration:.1?}"));
    cluster.judge.on_trouble(pod, None, Harm::Cuts);
    cluster.kill(pod);
    let mut listener = cluster.net.listen(SocketAddr::new(pod, PORT));
    let end = Instant::now() + duration;
    let mut held = Vec::new();
    while let Ok(Some(stream)) = timeout_at(end, listener.accept()).await {
        if kind == Fault::Mute {
            held.push(stream);
        } else {
            sleep(Duration::from_millis(random.u64(..50))).await;
        }
    }
    drop((listener, held));
    pause(random, 0.0, 2.0).await;
    come_back(cluster, random, pod).await;
}

/// The process runs again where it ran before.
async fn come_back(cluster: &Cluster, random: &mut Rng, pod: IpAddr) {
    cluster.start_process(pod);
    cluster.judge.on_trouble_over(pod, None, Harm::Cuts);
    cluster.log.add(format!("{pod}: process started"));
    pause(random, 0.0, 2.0).await;
    cluster.zone.publish(pod);
    cluster.release(pod);
}

/// A new pod starts, and becomes known.
async fn take_place(cluster: &Cluster, random: &mut Rng) {
    pause(random, 0.1, 5.0).await;
    let pod = cluster.add_pod();
    cluster.log.add(format!("{pod}: process started"));
    pause(random, 0.0, 2.0).await;
    cluster.zone.publish(pod);
}

/// SIGTERM; DNS hears of it before or after, and the address is gone soon after the process is.
async fn terminate(cluster: &Cluster, random: &mut Rng, pod: IpAddr) {
    cluster.judge.on_leaving(pod);
    let is_told_before = random.bool();
    if is_told_before {
        cluster.zone.withdraw(pod);
        pause(random, 0.0, 5.0).await;
    }
    cluster.log.add(format!("{pod}: SIGTERM"));
    let (mut later, zone) = (random.fork(), cluster.zone.clone());
    let withdrawn = async move {
        pause(&mut later, 0.0, 3.0).await;
        zone.withdraw(pod);
    };
    tokio::join!(cluster.drain(pod), withdrawn);
    pause(random, 0.0, 2.0).await;
    cluster.remove(pod);
}

//! Faults of the network between pods and clients.

use std::net::IpAddr;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Fault, between};
use crate::cluster::Cluster;
use crate::judge::Harm;
use crate::net::USER_TIMEOUT;

pub(super) fn reset(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    cluster.judge.on_fault(Fault::Reset, format!("{pod}: connections reset"));
    cluster.judge.on_trouble(pod, None, Harm::Cuts);
    cluster.net.reset(pod);
    cluster.judge.on_trouble_over(pod, None, Harm::Cuts);
    cluster.release(pod);
}

pub(super) async fn partition(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let clients = some(&cluster.clients, random);
    let (there, back) = match random.u8(..4) {
        0 => (true, false),
        1 => (false, true),
        _ => (true, true),
    };
    let duration = between(random, 0.2, 60.0);
    let text = format!("{pod}: cut from {clients:?} (there {there}, back {back}) for {duration:.1?}");
    cluster.judge.on_fault(Fault::Partition, text);
    let start = Instant::now();
    for client in &clients {
        cluster.judge.on_trouble(pod, Some(*client), Harm::Cuts);
        cluster.net.set_way(*client, pod, |way| way.cut |= there);
        cluster.net.set_way(pod, *client, |way| way.cut |= back);
    }
    let patience = USER_TIMEOUT + between(random, 0.0, 5.0);
    if duration > patience {
        sleep_until(start + patience).await;
        clients.iter().for_each(|client| cluster.net.time_out(pod, Some(*client)));
    }
    sleep_until(start + duration).await;
    for client in &clients {
        cluster.net.repair(pod, *client);
        cluster.judge.on_trouble_over(pod, Some(*client), Harm::Cuts);
    }
    cluster.log.add(format!("{pod}: reachable again"));
    cluster.release(pod);
}

pub(super) async fn degrade(cluster: &Cluster, random: &mut Rng) {
    let Some(pod) = cluster.seize(random, 0) else { return };
    let clients = some(&cluster.clients, random);
    let (loss, latency) = (random.f64() * 0.3, Duration::from_micros(random.u64(1_000..400_000)));
    let duration = between(random, 1.0, 40.0);
    let text = format!("{pod}: {latency:.0?} and {loss:.2} lost from {clients:?} for {duration:.1?}");
    cluster.judge.on_fault(Fault::Degrade, text);
    for client in &clients {
        cluster.judge.on_trouble(pod, Some(*client), Harm::Delays);
        for (from, to) in [(*client, pod), (pod, *client)] {
            cluster.net.set_way(from, to, |way| (way.loss, way.latency) = (loss, latency));
        }
    }
    sleep(duration).await;
    for client in &clients {
        cluster.net.repair(pod, *client);
        cluster.judge.on_trouble_over(pod, Some(*client), Harm::Delays);
    }
    cluster.log.add(format!("{pod}: fast again"));
    cluster.release(pod);
}

fn some(clients: &[IpAddr], random: &mut Rng) -> Vec<IpAddr> {
    let all = random.bool();
    let one = random.usize(..clients.len());
    clients.iter().enumerate().filter(|(index, _)| all || *index == one).map(|(_, client)| *client).collect()
}

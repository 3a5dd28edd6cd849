//! Faults of the cluster's DNS.

use std::time::Duration;

use fastrand::Rng;

use super::{Fault, between, pause};
use crate::cluster::{Cluster, DnsTrouble};

/// One trouble at a time.
pub(super) async fn fail(cluster: &Cluster, random: &mut Rng) {
    if cluster.zone.is_in_trouble() {
        return;
    }
    let trouble = draw(random);
    let duration = between(random, 1.0, 45.0);
    cluster.zone.set_trouble(Some(trouble));
    cluster.judge.on_fault(Fault::Dns, format!("DNS: {trouble:?} for {duration:.1?}"));
    tokio::time::sleep(duration).await;
    cluster.zone.set_trouble(None);
    cluster.log.add("DNS: well again");
    pause(random, 0.0, 1.0).await;
}

fn draw(random: &mut Rng) -> DnsTrouble {
    match random.u8(..13) {
        0 | 1 => DnsTrouble::ServFail,
        2 => DnsTrouble::Refused,
        3 | 4 => DnsTrouble::NxDomain,
        5 => DnsTrouble::NoData,
        6 => DnsTrouble::Silence,
        7 => DnsTrouble::Garbage,
        8 => DnsTrouble::Slow(Duration::from_micros(random.u64(100_000..6_000_000))),
        9 => DnsTrouble::Truncated,
        10 if random.bool() => DnsTrouble::AlwaysTruncated,
        10 => DnsTrouble::TruncatedThenSilence,
        11 if random.bool() => DnsTrouble::V4Fails,
        11 => DnsTrouble::V6Fails,
        _ => DnsTrouble::Stale,
    }
}

//! DNS fails in every way there is, a pod is replaced meanwhile, and DNS comes back.

use std::time::Instant;

use super::scene::{Course, SETTLE, Scene};
use crate::act::WARM_UP;
use crate::acts::OUTAGE;
use crate::cluster::{ClusterError, Fault};
use crate::marks::Kind;
use crate::seen::FaultSeen;

pub(super) async fn run(scene: &mut Scene<'_>) -> Result<Course, ClusterError> {
    let mut ends = WARM_UP / 2;
    scene.until(ends).await;
    let mut faults = Vec::new();
    let mut began = Instant::now();
    scene.cluster.set_dns_fault(scene.act.namespace, Some(OUTAGE[0].0));
    scene.marks.note(Kind::Dns, words(Some(OUTAGE[0].0)).to_owned());
    for (index, (fault, lasts)) in OUTAGE.into_iter().enumerate() {
        let next = OUTAGE.get(index + 1).map(|(next, _)| *next);
        if next.is_none() {
            replace_last_pod(scene).await?;
        }
        ends += lasts;
        scene.until(ends).await;
        let now = Instant::now();
        let questions = scene.cluster.set_dns_fault(scene.act.namespace, next);
        scene.marks.note(Kind::Dns, words(next).to_owned());
        faults.push(FaultSeen { fault, lasted: now - began, questions });
        began = now;
    }
    let back = began;
    scene.cast.learnable_from(back);
    scene.new_pods_called(scene.act.duration - SETTLE).await;
    scene.cast.bury().await?;
    tokio::time::sleep(SETTLE).await;
    Ok(Course { faults, back: Some(back), is_over: true, ..Course::default() })
}

/// Without DNS the client can learn of the old pod's end only from its connection, and of the new one not at all.
async fn replace_last_pod(scene: &mut Scene<'_>) -> Result<(), ClusterError> {
    let pods = scene.start_pods(1).await?;
    let old = scene.cast.standing().pop();
    scene.enter(pods);
    scene.terminate(old.as_slice());
    Ok(())
}

fn words(fault: Option<Fault>) -> &'static str {
    match fault {
        Some(Fault::ServerFailure) => "DNS says SERVFAIL",
        Some(Fault::NameError) => "DNS says NXDOMAIN",
        Some(Fault::Silence) => "DNS keeps silent",
        None => "DNS answers again",
    }
}

//! A pod is killed, and another comes in its place.

use super::scene::{Course, SETTLE, Scene};
use crate::act::WARM_UP;
use crate::cluster::ClusterError;
use crate::marks::Kind;

/// Which of the pods.
const VICTIM: usize = 1;

pub(super) async fn run(scene: &mut Scene<'_>) -> Result<Course, ClusterError> {
    scene.until(WARM_UP).await;
    let summary = scene.summary();
    let answered = |name: &str| {
        let its = summary.endpoints.iter().filter(|endpoint| endpoint.pod.name == name);
        its.map(|endpoint| endpoint.answered).sum()
    };
    let killed = scene.cast.kill(VICTIM, answered).await?;
    let name = scene.cast.listed().get(VICTIM).map(|pod| pod.name.clone()).unwrap_or_default();
    scene.marks.note(Kind::Pod, format!("{name}: SIGKILL"));
    // The control plane sees it at once; the client's DNS keeps the dead address for as long as its answer lives.
    scene.publish();
    let pods = scene.start_pods(1).await?;
    scene.enter(pods);
    scene.new_pods_called(scene.act.duration - SETTLE).await;
    scene.cast.bury().await?;
    tokio::time::sleep(SETTLE).await;
    Ok(Course { killed: Some(killed), is_over: true, ..Course::default() })
}

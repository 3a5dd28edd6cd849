//! All pods are replaced, one after another.
//!
//! As a Deployment with `maxSurge: 1`, `maxUnavailable: 0` and a `minReadySeconds` longer than DNS' TTL does it: a new pod is
//! ready and in DNS before its old one is deleted, and the next pair waits until clients have seen the new one. The pod
//! that is deleted leaves DNS at once and goes on serving during its preStop sleep, since clients still have its address.
//! A Deployment that kills first would leave moments without any pod, and no client can make up for that.

use super::scene::{Course, SETTLE, Scene};
use crate::act::WARM_UP;
use crate::cluster::ClusterError;

pub(super) async fn run(scene: &mut Scene<'_>) -> Result<Course, ClusterError> {
    scene.until(WARM_UP / 2).await;
    for old in scene.cast.standing() {
        let pods = scene.start_pods(1).await?;
        scene.enter(pods);
        scene.terminate(&[old]);
        scene.new_pods_called(scene.act.duration).await;
    }
    scene.cast.bury().await?;
    tokio::time::sleep(SETTLE).await;
    Ok(Course { is_over: true, ..Course::default() })
}

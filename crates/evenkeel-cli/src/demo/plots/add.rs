//! New pods appear.

use super::super::acts::WARM_UP;
use super::{Course, Scene};

pub(super) async fn run(scene: &mut Scene<'_>) -> Course {
    scene.until(WARM_UP).await;
    let pods = std::mem::take(&mut scene.in_the_wings);
    scene.enter(pods);
    Course::default()
}

//! New pods appear.

use super::scene::{Course, Scene};
use crate::act::WARM_UP;

pub(super) async fn run(scene: &mut Scene<'_>) -> Course {
    scene.until(WARM_UP).await;
    let pods = std::mem::take(&mut scene.in_the_wings);
    scene.enter(pods);
    Course::default()
}

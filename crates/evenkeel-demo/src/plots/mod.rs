//! What happens to the pods and to DNS while calls go on, one file per plot.

use crate::act::Plot;
use crate::cluster::ClusterError;

mod add;
mod dns_outage;
mod kill;
mod rolling_restart;
mod scene;

pub(crate) use scene::{Course, Scene};

/// Lets the act's plot happen.
///
/// # Errors
/// When the cluster broke.
pub(crate) async fn run(scene: &mut Scene<'_>) -> Result<Course, ClusterError> {
    match scene.act.plot {
        Plot::Nothing => Ok(Course::default()),
        Plot::Add(_) => Ok(add::run(scene).await),
        Plot::Kill => kill::run(scene).await,
        Plot::RollingRestart => rolling_restart::run(scene).await,
        Plot::DnsOutage => dns_outage::run(scene).await,
    }
}

//! One act, as data.

use std::time::Duration;

use evenkeel::Refresh;

use crate::about::About;
use crate::claims::Claim;

/// The load of an act, in calls a second: enough for shares to even out within a second, little enough for a machine that
/// is busy with other things.
pub(crate) const RATE: f64 = 100.0;
/// The deadline of every call.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// How long an act runs before anything happens.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// The longest interval of the defaults on the demo's TTL of 5 s: 15 % more.
pub(crate) const LONGEST_INTERVAL: Duration = Duration::from_millis(5750);

/// One act.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its name, for people and for the document.
    pub id: &'static str,
    /// In words, for people and for the document.
    pub(crate) claim_text: String,
    pub(crate) claim: Claim,
    /// What it is there for.
    pub about: About,
    /// Beside which acts it is played.
    pub lane: Lane,
    /// Where the Service is; acts of one namespace share their pods.
    pub(crate) namespace: &'static str,
    pub(crate) entrance: Entrance,
    pub(crate) refresh: Refresh,
    /// More flags of each pod's `evenkeel serve`.
    pub(crate) pod_flags: Vec<String>,
    /// Pods that are there from the start.
    pub(crate) pods: u8,
    pub(crate) plot: Plot,
    /// How long calls go on; where something else ends the act, how long they do at most.
    pub duration: Duration,
}

/// Acts of one lane follow one another; the lanes run at the same time, on pods of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// What is shown first.
    Front,
    /// What mostly waits, meanwhile.
    Back,
    /// What takes long, meanwhile.
    Side,
}

impl Lane {
    /// In the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Front, Self::Back, Self::Side];
}

/// The name that the client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    ClusterIp,
    Headless,
}

/// What happens to the pods while calls go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    Nothing,
    /// So many new ones appear.
    Add(u8),
    Kill,
    RollingRestart,
    DnsOutage,
}

impl Act {
    /// How many pods appear while it is played.
    pub(crate) fn pods_added(&self) -> u8 {
        match self.plot {
            Plot::Nothing => 0,
            Plot::Add(pods) => pods,
            Plot::Kill | Plot::DnsOutage => 1,
            Plot::RollingRestart => self.pods,
        }
    }
}

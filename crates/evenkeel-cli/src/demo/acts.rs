//! The acts, as data.

use std::time::Duration;

use evenkeel::Refresh;

use super::claims::Claim;

/// The load of every act: enough for shares to even out within a second, little enough for any machine.
pub(crate) const RATE: f64 = 300.0;
/// The deadline of every call.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// How long an act runs before pods are added.
const WARM_UP: Duration = Duration::from_secs(1);
/// MaxConnectionAge in the act that shows it: longer than the TTL, so that the first lookup that an ageing
/// connection causes finds the cached answer gone.
const AGE: Duration = Duration::from_secs(6);
/// The longest interval of the defaults on the demo's TTL of 5 s: 15 % more.
const LONGEST_INTERVAL: Duration = Duration::from_millis(5750);
/// What a claim about a time leaves on top of its bound before the act ends.
const SPARE: Duration = Duration::from_millis(400);

/// One act.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) id: &'static str,
    /// In words, for people and for the document.
    pub(crate) claim_text: String,
    pub(crate) claim: Claim,
    /// Where the Service is; acts of one namespace share their pods.
    pub(crate) namespace: &'static str,
    pub(crate) entrance: Entrance,
    pub(crate) refresh: Refresh,
    pub(crate) max_connection_age: Option<Duration>,
    /// Pods that are there from the start.
    pub(crate) pods: u8,
    /// Pods that are added while calls go on.
    pub(crate) added: Option<Addition>,
    pub(crate) duration: Duration,
}

/// The name that the client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    ClusterIp,
    Headless,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Addition {
    pub(crate) pods: u8,
    /// Since the act's start.
    pub(crate) at: Duration,
}

/// All acts, in order.
pub(crate) fn acts() -> Vec<Act> {
    vec![cluster_ip(), headless(), stale(), max_connection_age(), ttl_refresh()]
}

/// How many pods all acts start.
pub(crate) fn pods_in_all() -> u8 {
    let mut namespaces = std::collections::BTreeSet::new();
    let starting = |act: &Act| if namespaces.insert(act.namespace) { act.pods } else { 0 };
    let acts = acts();
    let initial: u8 = acts.iter().map(starting).sum();
    initial + acts.iter().filter_map(|act| act.added).map(|added| added.pods).sum::<u8>()
}

fn cluster_ip() -> Act {
    Act {
        id: "clusterip",
        claim_text: "behind the ClusterIP one pod gets every call".to_owned(),
        claim: Claim::OnePodGetsAll,
        namespace: "demo",
        entrance: Entrance::ClusterIp,
        refresh: Refresh::Ttl,
        max_connection_age: None,
        pods: 3,
        added: None,
        duration: Duration::from_millis(2500),
    }
}

fn headless() -> Act {
    Act {
        id: "headless",
        claim_text: "by the headless name and round_robin the same pods share evenly: max/min ≤ 1.1"
            .to_owned(),
        claim: Claim::Even { max_ratio: 1.1 },
        entrance: Entrance::Headless,
        ..cluster_ip()
    }
}

fn stale() -> Act {
    let watched = LONGEST_INTERVAL + DEADLINE;
    Act {
        id: "stale",
        claim_text: "looking again only on disconnect, and nothing disconnects: 2 new pods get nothing"
            .to_owned(),
        // As long as the last act gives its new pods to get calls.
        claim: Claim::NewPodsGetNothing { watched },
        namespace: "stale",
        refresh: Refresh::Disconnect { floor: Duration::from_secs(30) },
        added: Some(Addition { pods: 2, at: WARM_UP }),
        duration: WARM_UP + watched + SPARE,
        ..headless()
    }
}

fn max_connection_age() -> Act {
    let bound = AGE.mul_f64(1.1) + Duration::from_secs(2);
    Act {
        id: "max-connection-age",
        claim_text: format!(
            "the same with MaxConnectionAge {} s: the new pods get calls within age × 1.1 + 2 s, no call fails or \
             takes over 1 s",
            AGE.as_secs()
        ),
        claim: Claim::NewPodsWithin { bound },
        namespace: "max-connection-age",
        refresh: Refresh::Disconnect { floor: Duration::from_secs(1) },
        max_connection_age: Some(AGE),
        duration: WARM_UP + bound + SPARE,
        ..stale()
    }
}

fn ttl_refresh() -> Act {
    let spare = Duration::from_secs(1);
    Act {
        id: "ttl-refresh",
        claim_text:
            "the defaults, no MaxConnectionAge: the new pods get calls within the effective interval + 1 s, \
                     no call fails or takes over 1 s"
                .to_owned(),
        claim: Claim::NewPodsWithinInterval { spare },
        namespace: "ttl-refresh",
        refresh: Refresh::Ttl,
        max_connection_age: None,
        duration: WARM_UP + LONGEST_INTERVAL + spare + SPARE,
        ..stale()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, acts, pods_in_all};
    use crate::cluster::DNS_TTL;

    #[test]
    fn the_play_is_short_enough() {
        let total: Duration = acts().iter().map(|act| act.duration).sum();
        assert!(total < Duration::from_secs(35), "{total:?} leaves too little of 40 s for starting pods");
    }

    #[test]
    fn new_pods_are_watched_for_longer_than_a_cached_answer_lives() {
        for act in acts() {
            if let Some(added) = act.added {
                assert!(act.duration - added.at > DNS_TTL + Duration::from_secs(1), "{}", act.id);
            }
        }
    }

    #[test]
    fn acts_of_one_namespace_share_pods() {
        assert_eq!(pods_in_all(), 3 + 3 * 5);
    }
}

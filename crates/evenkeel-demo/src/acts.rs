//! The acts, as data: what balances (here) and what is survived (`trouble`).

use std::time::Duration;

use evenkeel::Refresh;

use crate::about::{About, Role};
use crate::act::{Act, DEADLINE, Entrance, LONGEST_INTERVAL, Lane, Plot, WARM_UP};
use crate::claims::Claim;

mod trouble;

pub(crate) use trouble::OUTAGE;

/// MaxConnectionAge in the act that shows it: longer than the TTL, so that the first lookup that an ageing
/// connection causes finds the cached answer gone.
const AGE: Duration = Duration::from_secs(6);
/// What a claim about a time leaves on top of its bound before the act ends.
const SPARE: Duration = Duration::from_millis(400);

/// All acts, in order.
pub fn acts() -> Vec<Act> {
    vec![
        cluster_ip(),
        headless(),
        stale(),
        max_connection_age(),
        ttl_refresh(),
        trouble::kill(),
        trouble::rolling_restart(),
        trouble::dns_outage(),
    ]
}

/// How many pods all acts start: so many a cluster must have room for.
pub fn pods_in_all() -> u8 {
    let mut namespaces = std::collections::BTreeSet::new();
    let starting = |act: &Act| if namespaces.insert(act.namespace) { act.pods } else { 0 };
    let acts = acts();
    let initial: u8 = acts.iter().map(starting).sum();
    initial + acts.iter().map(Act::pods_added).sum::<u8>()
}

fn cluster_ip() -> Act {
    Act {
        id: "clusterip",
        claim_text: "behind the ClusterIP one pod gets every call".to_owned(),
        claim: Claim::OnePodGetsAll,
        about: About {
            role: Role::Problem,
            meaning: "A ClusterIP spreads connections, and gRPC keeps one connection: one pod does all the work.",
            look: "Look for one colour that fills the chart: one pod answers every call.",
            expected: Some(
                "the client warns that the name has a single address, as the name of a ClusterIP has",
            ),
        },
        lane: Lane::Front,
        namespace: "demo",
        entrance: Entrance::ClusterIp,
        refresh: Refresh::Ttl,
        pod_flags: Vec::new(),
        pods: 3,
        plot: Plot::Nothing,
        duration: Duration::from_millis(2500),
    }
}

fn headless() -> Act {
    Act {
        id: "headless",
        claim_text: "by the headless name and round_robin the same pods share evenly once all are connected: max/min ≤ 1.1"
            .to_owned(),
        claim: Claim::Even { max_ratio: 1.1 },
        about: About {
            role: Role::Remedy,
            meaning: "The headless name lists every pod, and round_robin calls them in turn: the work is shared.",
            look: "Look for three bands of the same height: each pod answers a third of the calls.",
            expected: None,
        },
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
        about: About {
            role: Role::Problem,
            meaning: "A client that asks DNS only when a connection ends never learns of new pods.",
            look: "Look for the two new pods: they are in DNS, and they have no band.",
            expected: None,
        },
        namespace: "stale",
        refresh: Refresh::Disconnect { floor: Duration::from_secs(30) },
        plot: Plot::Add(2),
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
        about: About {
            role: Role::Remedy,
            meaning: "The server ends each connection at an age. The client then asks DNS again and finds the new pods.",
            look: "Look for the bands of the new pods: they begin after the first GOAWAY.",
            expected: None,
        },
        namespace: "max-connection-age",
        refresh: Refresh::Disconnect { floor: Duration::from_secs(1) },
        pod_flags: vec![format!("--max-connection-age={}ms", AGE.as_millis())],
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
        about: About {
            role: Role::Remedy,
            meaning: "The client asks DNS again when the TTL of the answer is over. No connection has to end.",
            look: "Look for the bands of the new pods: they begin when the channel learns the new list.",
            expected: None,
        },
        namespace: "ttl-refresh",
        refresh: Refresh::Ttl,
        duration: WARM_UP + LONGEST_INTERVAL + spare + SPARE,
        ..stale()
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Duration, Lane, Plot, WARM_UP, acts, pods_in_all};
    use crate::cluster::DNS_TTL;

    #[test]
    fn the_play_is_short_enough() {
        for lane in Lane::ALL {
            let total: Duration = acts().iter().filter(|act| act.lane == lane).map(|act| act.duration).sum();
            assert!(total < Duration::from_secs(52), "{lane:?}: {total:?} leaves too little of a minute");
        }
    }

    #[test]
    fn new_pods_are_watched_for_longer_than_a_cached_answer_lives() {
        let adds = |act: &Act| matches!(act.plot, Plot::Add(_));
        for act in acts().into_iter().filter(adds) {
            assert!(act.duration - WARM_UP > DNS_TTL + Duration::from_secs(1), "{}", act.id);
        }
    }

    #[test]
    fn only_acts_of_one_lane_share_pods_or_the_cluster_ip() {
        let acts = acts();
        for (a, b) in acts.iter().flat_map(|a| acts.iter().map(move |b| (a, b))) {
            assert!(a.lane == b.lane || a.namespace != b.namespace, "{} and {}", a.id, b.id);
        }
        assert_eq!(pods_in_all(), 3 + 3 * 5 + 4 + 6 + 4);
    }
    #[test]
    fn every_act_says_what_it_means() {
        for act in acts() {
            for words in [act.about.meaning, act.about.look] {
                assert!(words.ends_with('.') && words.len() > 40, "{}: {words:?}", act.id);
            }
        }
    }
}

//! The acts in which pods are lost and replaced, and DNS fails.

use std::time::Duration;

use evenkeel::Refresh;

use crate::about::{About, Role};
use crate::act::{Act, Entrance, LONGEST_INTERVAL, Lane, Plot, WARM_UP};
use crate::claims::Claim;
use crate::cluster::Fault;

/// Calls that start later than this after a pod was killed must not notice.
const GRACE_AFTER_KILL: Duration = Duration::from_millis(100);
/// A cache counts whole seconds, so its answer may be looked at this much after its end.
const CACHE_ROUNDING: Duration = Duration::from_secs(1);
/// How long a pod goes on serving after it left DNS, as a preStop sleep makes it: until every client that follows TTLs
/// has looked again, with a little to spare.
const PRE_STOP: Duration = Duration::from_secs(7);
/// How DNS fails, one way after the other, each for longer than the longest interval between lookups. The last one ends
/// before a lookup that began in it is given up, so that the way back is the ordinary one.
pub(crate) const OUTAGE: [(Fault, Duration); 3] = [
    (Fault::ServerFailure, Duration::from_secs(6)),
    (Fault::NameError, Duration::from_secs(6)),
    (Fault::Silence, Duration::from_millis(6500)),
];
/// How long a call takes where calls in flight matter: some are at any moment.
const DELAY: Duration = Duration::from_millis(50);
/// What starting pods may take on a busy machine.
const SLOW_STARTS: Duration = Duration::from_secs(7);
/// How long after an outage it is watched whether the channel recovers.
const LONGEST_RECOVERY: Duration = Duration::from_secs(9);

/// New pods are in after this: a cached answer's whole life, the jitter, the cache's rounding.
fn bound() -> Duration {
    LONGEST_INTERVAL + CACHE_ROUNDING
}

pub(super) fn kill() -> Act {
    Act {
        id: "kill",
        claim_text: format!(
            "one of 3 pods is killed, a new one comes on another address: no call fails that starts more than {} ms \
             after the kill, and the new pod gets calls within {:.2} s of being in DNS",
            GRACE_AFTER_KILL.as_millis(),
            bound().as_secs_f64(),
        ),
        claim: Claim::SurvivesKill { grace: GRACE_AFTER_KILL, bound: bound() },
        about: About {
            role: Role::Trouble,
            meaning: "A pod dies without a word. Its connection breaks, and the client calls the others.",
            look: "Look at the line of the SIGKILL: one band ends there, and the others grow.",
            expected: Some(
                "calls on the killed pod may fail, and the client warns each time it cannot connect to its address",
            ),
        },
        lane: Lane::Front,
        namespace: "kill",
        entrance: Entrance::Headless,
        refresh: Refresh::Ttl,
        pod_flags: vec![format!("--delay={}ms", DELAY.as_millis())],
        pods: 3,
        plot: Plot::Kill,
        duration: WARM_UP + bound() + Duration::from_secs(2),
    }
}

pub(super) fn rolling_restart() -> Act {
    Act {
        id: "rolling-restart",
        claim_text: format!(
            "all 3 pods are replaced one after another, each once the client has called the last new one; a new pod is \
             in DNS before its old one gets SIGTERM and leaves DNS; the old ones serve for {} s more, as a preStop \
             sleep makes them, and drain: no call fails or takes over 1 s",
            PRE_STOP.as_secs(),
        ),
        claim: Claim::SurvivesRestart { bound: bound() },
        about: About {
            role: Role::Trouble,
            meaning: "A new version is deployed: new pods replace old ones, one at a time, and no call notices.",
            look: "Look for bands that end as others begin, one pod after another, while the total stays level.",
            expected: None,
        },
        lane: Lane::Side,
        namespace: "rolling-restart",
        pod_flags: vec![format!("--lame-duck={}s", PRE_STOP.as_secs())],
        plot: Plot::RollingRestart,
        duration: WARM_UP + 3 * bound() + PRE_STOP + SLOW_STARTS,
        ..kill()
    }
}

pub(super) fn dns_outage() -> Act {
    let spare = Duration::from_secs(1);
    let outage: Duration = OUTAGE.iter().map(|(_, lasts)| *lasts).sum();
    Act {
        id: "dns-outage",
        claim_text: "DNS says SERVFAIL, then NXDOMAIN, then nothing, each for longer than its answers live, and a pod is \
                     replaced meanwhile: no call fails; once DNS is back, the new pod gets calls within 1 s of the \
                     retry that the channel announced"
            .to_owned(),
        claim: Claim::OutlivesDns { spare },
        about: About {
            role: Role::Trouble,
            meaning: "DNS fails, and calls go on: the client keeps the pods that it knows.",
            look: "Look at the total: it stays level while DNS fails. The new pod's band begins when DNS answers again.",
            expected: Some(
                "the client warns of each lookup that fails, and each time it cannot connect to the pod that left",
            ),
        },
        lane: Lane::Back,
        namespace: "dns-outage",
        pod_flags: Vec::new(),
        plot: Plot::DnsOutage,
        duration: WARM_UP + outage + LONGEST_RECOVERY,
        ..kill()
    }
}

#[cfg(test)]
mod tests {
    use super::{DELAY, Duration, LONGEST_INTERVAL, OUTAGE, PRE_STOP, bound, kill};
    use crate::act::RATE;

    #[test]
    fn each_way_of_failing_lasts_longer_than_an_answer_lives() {
        assert!(OUTAGE.iter().all(|(_, lasts)| *lasts > LONGEST_INTERVAL));
    }

    #[test]
    fn pods_serve_until_every_client_has_looked_again() {
        assert!(PRE_STOP > bound());
    }

    #[test]
    fn calls_are_in_flight_on_a_pod_at_any_moment() {
        let act = kill();
        assert!(RATE * DELAY.as_secs_f64() / f64::from(act.pods) > 1.0);
        assert!(DELAY < Duration::from_millis(100));
    }
}

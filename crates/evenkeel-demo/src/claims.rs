//! Whether what was seen is what was claimed: pure, so that every claim is tested with what must break it.

use std::time::Duration;

use crate::figures::Figures;
use crate::seen::Observed;

mod balance;
mod trouble;

/// What an act claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Claim {
    OnePodGetsAll,
    /// The most called pod gets at most this many times what the least called one gets.
    Even {
        max_ratio: f64,
    },
    /// New pods are watched for at least this long and get no call.
    NewPodsGetNothing {
        watched: Duration,
    },
    /// Each new pod gets its first call within `bound` of being ready; no call fails or takes over a second.
    NewPodsWithin {
        bound: Duration,
    },
    /// The same, with the channel's own effective interval and `spare` as the bound.
    NewPodsWithinInterval {
        spare: Duration,
    },
    /// No call fails that starts later than `grace` after a pod was killed; the new pod is in within `bound`.
    SurvivesKill {
        grace: Duration,
        bound: Duration,
    },
    /// All pods are replaced one after another, each once the client has called the last new one: no call fails or
    /// takes over a second, each pod cuts none off, and each new pod is in within `bound`.
    SurvivesRestart {
        bound: Duration,
    },
    /// DNS fails in every way: no call fails, and once it is back the new pod is in within `spare` of the retry that
    /// the channel announced.
    OutlivesDns {
        spare: Duration,
    },
}

impl Claim {
    /// Says everything that contradicts the claim.
    pub(crate) fn broken_by(&self, seen: &Observed) -> Vec<String> {
        let mut broken = Vec::new();
        if seen.calls == 0 {
            broken.push("no call was made".to_owned());
        }
        broken.extend(balance::disagreements(seen));
        match *self {
            Self::OnePodGetsAll => balance::one_pod_gets_all(seen, &mut broken),
            Self::Even { max_ratio } => balance::even(seen, max_ratio, &mut broken),
            Self::NewPodsGetNothing { watched } => balance::new_pods_get_nothing(seen, watched, &mut broken),
            Self::NewPodsWithin { .. } | Self::NewPodsWithinInterval { .. } => {
                balance::no_call_suffers(seen, &mut broken);
            }
            Self::SurvivesKill { grace, .. } => trouble::survives_kill(seen, grace, &mut broken),
            Self::SurvivesRestart { .. } => trouble::survives_restart(seen, &mut broken),
            Self::OutlivesDns { .. } => trouble::outlives_dns(seen, &mut broken),
        }
        match (self.bound(seen), self) {
            (Some(bound), _) => balance::new_pods_within(seen, bound, &mut broken),
            (None, Self::OnePodGetsAll | Self::Even { .. } | Self::NewPodsGetNothing { .. }) => {}
            (None, _) => broken.push("the channel did not say when it looks again".to_owned()),
        }
        broken
    }

    /// How long new pods may wait, if that is what is claimed.
    fn bound(&self, seen: &Observed) -> Option<Duration> {
        match *self {
            Self::NewPodsWithin { bound }
            | Self::SurvivesKill { bound, .. }
            | Self::SurvivesRestart { bound } => Some(bound),
            Self::NewPodsWithinInterval { spare } => seen.interval.map(|interval| interval + spare),
            Self::OutlivesDns { spare } => {
                seen.outage.as_ref().and_then(|outage| outage.asks_within).map(|asks| asks + spare)
            }
            Self::OnePodGetsAll | Self::Even { .. } | Self::NewPodsGetNothing { .. } => None,
        }
    }

    /// The figures that this claim is about.
    pub(crate) fn figures(&self, seen: &Observed) -> Figures {
        let seconds = |duration: Duration| round(duration.as_secs_f64());
        let milliseconds = |duration: Duration| round(duration.as_secs_f64() * 1e3);
        let is_even = matches!(self, Self::Even { .. });
        let waits: Option<Vec<_>> = balance::new_pods(seen).map(|pod| pod.first_call).collect();
        let drained = trouble::drained(seen);
        let outage = seen.outage.as_ref();
        Figures {
            calls: seen.calls,
            failed: seen.failed,
            p99_ms: milliseconds(seen.p99_latency),
            max_ms: milliseconds(seen.max_latency),
            counts_agree: balance::disagreements(seen).is_empty(),
            max_min_ratio: is_even.then(|| balance::ratio(seen, |pod| pod.served)).flatten().map(round),
            watched_s: seen.watched.map(seconds),
            interval_s: seen.interval.map(seconds),
            new_pods_after_s: waits.and_then(|waits| waits.into_iter().max()).map(seconds),
            bound_s: self.bound(seen).map(seconds),
            killed_pod_out_s: seen.kill.map(|kill| seconds(kill.out_after())),
            new_pod_in_s: seen.kill.and_then(|kill| kill.new_pod_in).map(seconds),
            uncounted: seen.kill.map(|_| trouble::uncounted(seen)),
            drained: (drained > 0).then_some(drained),
            outage_s: outage.map(|outage| seconds(outage.faults.iter().map(|fault| fault.lasted).sum())),
            failed_lookups: outage.map(|outage| outage.retries.len()),
        }
    }
}

/// To three decimals: figures are for reading.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;

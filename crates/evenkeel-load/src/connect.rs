//! Before the first call: a load that begins on the first connection shows how fast the others came, not who gets how much.

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel::Channel;

use crate::watch::{Seen, Watch};

/// How long a load waits for its endpoints: a handshake takes milliseconds, and one address that answers nothing must not
/// hold the others up for the whole of a connect timeout.
const LONGEST: Duration = Duration::from_secs(5);

/// How often to look: no longer than a fast handshake takes.
const LOOK: Duration = Duration::from_millis(2);

/// How far the wait has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connected {
    /// Since the watch's start.
    pub took: Duration,
    /// Endpoints that a call can go to.
    pub ready: usize,
    /// Endpoints that the name has; none where it is not resolved.
    pub endpoints: usize,
    /// Endpoints that are not READY but have failed to be.
    pub failed: usize,
}

/// Waits until every endpoint is READY or has failed, or until the name is known to lead nowhere, but for
/// 5 seconds at most. Where calls wait for a pod, so does this, until there is one. Cancel-safe.
pub async fn until_connected(channel: &Channel, watch: &Watch, waits_for_ready: bool) {
    let settled = async {
        // Cannot fail here, in a runtime; were it otherwise, the first call would say so.
        let _ = channel.connect();
        while !is_settled(&progress(channel, watch), &watch.seen(), waits_for_ready) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // At the end of the time the load begins with what there is.
    let _ = tokio::time::timeout(LONGEST, settled).await;
}

/// How far it is now.
pub fn progress(channel: &Channel, watch: &Watch) -> Connected {
    // What calls see, which may come a moment after the connection's own event.
    let ready = channel.connections().iter().map(|one| one.address().to_string()).collect();
    count(&watch.seen(), &ready, watch.elapsed())
}

fn count(seen: &Seen, ready: &BTreeSet<String>, took: Duration) -> Connected {
    let mut connected = Connected { took, endpoints: seen.endpoints.len(), ..Connected::default() };
    for addresses in &seen.endpoints {
        if addresses.iter().any(|address| ready.contains(address)) {
            connected.ready += 1;
        } else if addresses.iter().all(|address| seen.has_failed(address)) {
            connected.failed += 1;
        }
    }
    connected
}

fn is_settled(connected: &Connected, seen: &Seen, waits_for_ready: bool) -> bool {
    let is_over = match connected.endpoints {
        0 => seen.tally.failed_lookups > 0 || seen.is_known,
        endpoints => connected.ready + connected.failed >= endpoints,
    };
    is_over && (connected.ready > 0 || !waits_for_ready)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use evenkeel::ConnectivityState::{Connecting, TransientFailure};

    use super::{Connected, Duration, Seen, count, is_settled};
    use crate::watch::Member;

    fn seen(endpoints: &[&[&str]], failed: &[&str]) -> Seen {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let member = |address: &&str| {
            let has_failed = failed.contains(address);
            let state = if has_failed { TransientFailure } else { Connecting };
            ((*address).to_owned(), Member { state, is_listed: true, joined: None, has_failed })
        };
        let members: BTreeMap<_, _> = endpoints.iter().flat_map(|all| all.iter()).map(member).collect();
        let endpoints: std::collections::BTreeSet<_> = endpoints.iter().map(|all| texts(all)).collect();
        Seen { is_known: !endpoints.is_empty(), endpoints, members, ..Seen::default() }
    }

    fn settles(seen: &Seen, ready: &[&str]) -> [bool; 2] {
        let ready = ready.iter().map(|text| (*text).to_owned()).collect();
        let connected = count(seen, &ready, Duration::ZERO);
        [false, true].map(|waits| is_settled(&connected, seen, waits))
    }

    #[test]
    fn every_endpoint_is_ready_or_has_failed() {
        let seen = seen(&[&["a"], &["b"], &["c", "d"]], &["b", "c"]);
        assert_eq!(settles(&seen, &[]), [false, false]);
        assert_eq!(settles(&seen, &["a"]), [false, false], "d may still be reached");
        assert_eq!(settles(&seen, &["a", "d"]), [true, true]);
        let ready = ["a", "d"].map(str::to_owned).into();
        let expected = Connected { ready: 2, endpoints: 3, failed: 1, took: Duration::ZERO };
        assert_eq!(count(&seen, &ready, Duration::ZERO), expected);
    }

    #[test]
    fn nobody_to_wait_for() {
        let mut nothing = seen(&[], &[]);
        assert_eq!(settles(&nothing, &[]), [false, false], "not resolved yet");
        nothing.tally.failed_lookups = 1;
        assert_eq!(settles(&nothing, &[]), [true, false]);
        assert_eq!(settles(&seen(&[&["a"]], &["a"]), &[]), [true, false], "calls that wait, wait here");
    }
}

//! What names mean, and what a cache says they mean.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// The cluster's names as a client sees them: through a cache that hands out the *remaining* time to live, so what it
/// says lags behind the pods by up to the whole TTL. That is what makes looking again at the right time matter.
#[derive(Debug)]
pub(crate) struct Zone {
    ttl: Duration,
    names: HashMap<String, Vec<Ipv4Addr>>,
    cache: HashMap<String, Cached>,
    faults: HashMap<String, Broken>,
}

/// What DNS does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says SERVFAIL.
    ServerFailure,
    /// It says that the name does not exist.
    NameError,
    /// It says nothing.
    Silence,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The name's addresses, one at least, and for how many seconds they hold.
    Addresses { addresses: Vec<Ipv4Addr>, ttl: u32 },
    /// The name exists, but not with this type of record.
    NoData { ttl: u32 },
    /// The name does not exist.
    NameError { ttl: u32 },
    /// The server has trouble of its own.
    ServerFailure,
}

#[derive(Debug)]
struct Broken {
    fault: Fault,
    questions: u64,
}

#[derive(Debug)]
struct Cached {
    stored: Instant,
    /// Empty: the name does not exist.
    addresses: Vec<Ipv4Addr>,
}

impl Zone {
    /// An empty zone whose answers live for `ttl`, in whole seconds.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self { ttl, names: HashMap::new(), cache: HashMap::new(), faults: HashMap::new() }
    }

    /// Says which addresses a name has from now on; none means that it does not exist, as for a headless Service
    /// without a ready pod. What is cached stays until its time is over.
    pub(crate) fn set(&mut self, name: &str, addresses: Vec<Ipv4Addr>) {
        self.names.insert(name.to_ascii_lowercase(), addresses);
    }

    /// Breaks DNS for one name, or with `None` mends it; the cache goes on ageing meanwhile. Says how many questions the
    /// fault before has met.
    pub(crate) fn set_fault(&mut self, name: &str, fault: Option<Fault>) -> u64 {
        let name = name.to_ascii_lowercase();
        let before = match fault {
            Some(fault) => self.faults.insert(name, Broken { fault, questions: 0 }),
            None => self.faults.remove(&name),
        };
        before.map_or(0, |before| before.questions)
    }

    /// Answers a question about `name` (in lower case), or keeps silent; only addresses of IPv4 exist.
    pub(crate) fn answer(&mut self, name: &str, for_a: bool, now: Instant) -> Option<Answer> {
        let Some(broken) = self.faults.get_mut(name) else { return Some(self.known(name, for_a, now)) };
        broken.questions += 1;
        match broken.fault {
            Fault::ServerFailure => Some(Answer::ServerFailure),
            Fault::NameError => Some(Answer::NameError { ttl: whole_seconds(self.ttl) }),
            Fault::Silence => None,
        }
    }

    fn known(&mut self, name: &str, for_a: bool, now: Instant) -> Answer {
        let Some(current) = self.names.get(name) else {
            return Answer::NameError { ttl: whole_seconds(self.ttl) };
        };
        let ttl = self.ttl;
        let cached = self
            .cache
            .entry(name.to_owned())
            .and_modify(|cached| {
                if now.saturating_duration_since(cached.stored) >= ttl {
                    *cached = Cached { stored: now, addresses: current.clone() };
                }
            })
            .or_insert_with(|| Cached { stored: now, addresses: current.clone() });
        // As CoreDNS counts: whole seconds that have passed, so the entry never lives longer than was said.
        let passed = now.saturating_duration_since(cached.stored).as_secs();
        let ttl = whole_seconds(ttl).saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
        match (cached.addresses.is_empty(), for_a) {
            (true, _) => Answer::NameError { ttl },
            (false, true) => Answer::Addresses { addresses: cached.addresses.clone(), ttl },
            (false, false) => Answer::NoData { ttl },
        }
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Duration, Fault, Instant, Ipv4Addr, Zone};

    const ONE: Ipv4Addr = Ipv4Addr::new(127, 9, 9, 1);
    const TWO: Ipv4Addr = Ipv4Addr::new(127, 9, 9, 2);

    fn addresses(addresses: &[Ipv4Addr], ttl: u32) -> Option<Answer> {
        Some(Answer::Addresses { addresses: addresses.to_vec(), ttl })
    }

    #[test]
    fn a_cached_answer_ages_and_then_gives_way() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut zone = Zone::new(Duration::from_secs(5));
        zone.set("Pods", vec![ONE]);
        assert_eq!(zone.answer("pods", true, at(0)), addresses(&[ONE], 5));
        zone.set("pods", vec![ONE, TWO]);
        assert_eq!(zone.answer("pods", true, at(999)), addresses(&[ONE], 5), "old, and its age shows");
        assert_eq!(zone.answer("pods", true, at(1000)), addresses(&[ONE], 4));
        assert_eq!(zone.answer("pods", false, at(3500)), Some(Answer::NoData { ttl: 2 }));
        assert_eq!(zone.answer("pods", true, at(4999)), addresses(&[ONE], 1));
        assert_eq!(zone.answer("pods", true, at(5000)), addresses(&[ONE, TWO], 5));
    }

    #[test]
    fn a_name_without_pods_does_not_exist_and_that_is_cached_too() {
        let start = Instant::now();
        let mut zone = Zone::new(Duration::from_secs(5));
        assert_eq!(zone.answer("pods", true, start), Some(Answer::NameError { ttl: 5 }));
        zone.set("pods", vec![]);
        assert_eq!(zone.answer("pods", false, start), Some(Answer::NameError { ttl: 5 }));
        zone.set("pods", vec![ONE]);
        let later = start + Duration::from_secs(2);
        assert_eq!(zone.answer("pods", true, later), Some(Answer::NameError { ttl: 3 }));
        let after = start + Duration::from_secs(5);
        assert_eq!(zone.answer("pods", true, after), addresses(&[ONE], 5));
    }
    #[test]
    fn a_broken_name_is_broken_for_itself_and_says_how_often_it_was_asked() {
        let now = Instant::now();
        let mut zone = Zone::new(Duration::from_secs(5));
        zone.set("pods", vec![ONE]);
        zone.set("others", vec![TWO]);
        assert_eq!(zone.set_fault("Pods", Some(Fault::ServerFailure)), 0);
        assert_eq!(zone.answer("pods", true, now), Some(Answer::ServerFailure));
        assert_eq!(zone.answer("pods", false, now), Some(Answer::ServerFailure));
        assert_eq!(zone.answer("others", true, now), addresses(&[TWO], 5));
        assert_eq!(zone.set_fault("pods", Some(Fault::NameError)), 2);
        assert_eq!(zone.answer("pods", true, now), Some(Answer::NameError { ttl: 5 }));
        assert_eq!(zone.set_fault("pods", Some(Fault::Silence)), 1);
        assert_eq!(zone.answer("pods", true, now), None);
        assert_eq!(zone.set_fault("pods", None), 1);
        assert_eq!(zone.answer("pods", true, now), addresses(&[ONE], 5));
    }
}

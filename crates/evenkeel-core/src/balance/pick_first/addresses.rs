//! In which order a list's addresses are tried.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;

use crate::endpoint::{Address, Endpoint};
use crate::random::{Random, fraction};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
    Other,
}

/// All addresses of `endpoints`, each once, in the order of attempts; a source of randomness means: shuffled.
pub(super) fn in_order_of_attempts(endpoints: &[Endpoint], shuffle: Option<&mut dyn Random>) -> Vec<Address> {
    let mut endpoints: Vec<&Endpoint> = endpoints.iter().collect();
    if let Some(random) = shuffle {
        endpoints = shuffled(endpoints, random);
    }
    let mut seen = HashSet::new();
    let flat = endpoints.into_iter().flat_map(Endpoint::addresses).filter(|address| seen.insert(*address));
    interleaved(flat)
}

/// Draws without replacement, heavier endpoints sooner: by the key u^(1/weight), largest first (gRFC A113).
fn shuffled<'a>(endpoints: Vec<&'a Endpoint>, random: &mut dyn Random) -> Vec<&'a Endpoint> {
    let key = |endpoint: &'a Endpoint| {
        let key = fraction(random).powf(1.0 / f64::from(endpoint.weight().get()));
        (key, endpoint)
    };
    let mut keyed: Vec<(f64, &Endpoint)> = endpoints.into_iter().map(key).collect();
    keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    keyed.into_iter().map(|(_, endpoint)| endpoint).collect()
}

/// Lets the address families take turns, that of the first address first (RFC 8305 §4).
fn interleaved<'a>(addresses: impl Iterator<Item = &'a Address>) -> Vec<Address> {
    let mut queues: Vec<(Family, VecDeque<&Address>)> = Vec::new();
    let mut count = 0;
    for address in addresses {
        let family = Family::of(address);
        count += 1;
        match queues.iter_mut().find(|(other, _)| *other == family) {
            Some((_, queue)) => queue.push_back(address),
            None => queues.push((family, VecDeque::from([address]))),
        }
    }
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        order.extend(queues.iter_mut().filter_map(|(_, queue)| queue.pop_front()).cloned());
    }
    order
}

impl Family {
    fn of(address: &Address) -> Self {
        let Address::Ip(address) = address else { return Self::Other };
        match address.ip() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn address(name: &str) -> Address {
        name.parse::<IpAddr>().map_or_else(|_| Address::Name(name.into()), |ip| Address::Ip((ip, 1).into()))
    }

    fn check(listed: &[&str], tried: &[&str]) {
        let endpoints: Vec<Endpoint> = listed.iter().map(|name| Endpoint::new([address(name)])).collect();
        let expected: Vec<Address> = tried.iter().copied().map(address).collect();
        assert_eq!(in_order_of_attempts(&endpoints, None), expected, "of {listed:?}");
    }

    #[test]
    fn pickfirst_interleaving() {
        check(&["::1", "::2", "1.0.0.1", "1.0.0.2"], &["::1", "1.0.0.1", "::2", "1.0.0.2"]);
        check(&["1.0.0.1", "1.0.0.2", "1.0.0.3", "::1"], &["1.0.0.1", "::1", "1.0.0.2", "1.0.0.3"]);
        check(
            &["name", "1.0.0.1", "other", "::1", "1.0.0.2", "third"],
            &["name", "1.0.0.1", "::1", "other", "1.0.0.2", "third"],
        );
        check(&["::ffff:1.0.0.1", "1.0.0.2", "::1"], &["::ffff:1.0.0.1", "::1", "1.0.0.2"]);
    }

    #[test]
    fn pickfirst_duplicate_addresses_are_tried_once_also_across_endpoints() {
        let pair = |a, b| Endpoint::new([address(a), address(b)]);
        let endpoints = [pair("1.0.0.1", "1.0.0.2"), pair("1.0.0.2", "1.0.0.3")];
        let expected = ["1.0.0.1", "1.0.0.2", "1.0.0.3"].map(address);
        assert_eq!(in_order_of_attempts(&endpoints, None), expected);
    }

    #[test]
    fn pickfirst_shuffle_moves_endpoints_and_not_the_addresses_inside() {
        let endpoints = [
            Endpoint::new(["1.0.0.1", "1.0.0.2"].map(address)),
            Endpoint::new(["1.0.0.3", "1.0.0.4"].map(address)),
        ];
        let mut draws = [u64::MAX / 4, u64::MAX / 2].into_iter();
        let order = in_order_of_attempts(&endpoints, Some(&mut || draws.next().unwrap()));
        assert_eq!(order, ["1.0.0.3", "1.0.0.4", "1.0.0.1", "1.0.0.2"].map(address));
    }

    #[test]
    fn pickfirst_shuffle_puts_heavier_endpoints_first_in_proportion_to_their_weight() {
        let heavy = Endpoint::new([address("1.0.0.1")]).with_weight(NonZeroU32::new(3).unwrap());
        let endpoints = [heavy, Endpoint::new([address("1.0.0.2")])];
        let mut seed = 1_u64;
        let mut random = || {
            // splitmix64
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let is_first = |order: Vec<Address>| order.first() == Some(&address("1.0.0.1"));
        let heads =
            (0..4000).filter(|_| is_first(in_order_of_attempts(&endpoints, Some(&mut random)))).count();
        assert!((2880..3120).contains(&heads), "{heads} of 4000 is not 3 of 4");
    }
}

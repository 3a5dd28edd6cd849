//! Which of the addresses that an answer holds somebody can be at.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

/// An answer's addresses, told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Those that can be dialled: in the answer's order, each once, IPv4 written as IPv4 (`::ffff:10.0.0.1` is `10.0.0.1`).
    pub usable: Vec<IpAddr>,
    /// Those that no one peer can have: unspecified, multicast, broadcast. Likewise.
    pub left_out: Vec<IpAddr>,
}

impl Addresses {
    /// Sorts out what DNS or a hosts file says.
    pub fn of(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let all = each_once(addresses.into_iter().map(|address| address.to_canonical()));
        let (usable, left_out) = all.into_iter().partition(|address| is_usable(*address));
        Self { usable, left_out }
    }
}

/// In their order, each where it came first.
pub(super) fn each_once(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut seen = HashSet::new();
    addresses.into_iter().filter(|address| seen.insert(*address)).collect()
}

fn is_usable(address: IpAddr) -> bool {
    match address {
        // 0.0.0.0/8 is "this network" (RFC 1122 §3.2.1.3); block lists answer with its first address.
        IpAddr::V4(ip) => ip.octets()[0] != 0 && !ip.is_multicast() && ip != Ipv4Addr::BROADCAST,
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Addresses;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn one_peer_is_one_address_and_nobody_is_none() {
        let table: [(&[&str], &[&str], &[&str]); 6] = [
            (&["10.0.0.2", "10.0.0.1", "10.0.0.2"], &["10.0.0.2", "10.0.0.1"], &[]),
            (&["::ffff:10.0.0.1", "10.0.0.1"], &["10.0.0.1"], &[]),
            (&["fd00::1", "FD00::1", "::1"], &["fd00::1", "::1"], &[]),
            (
                &["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1"],
                &["240.0.0.1"],
                &["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255"],
            ),
            (&["::", "ff02::1", "fe80::1"], &["fe80::1"], &["::", "ff02::1"]),
            (&["::ffff:0.0.0.0", "::ffff:224.0.0.1"], &[], &["0.0.0.0", "224.0.0.1"]),
        ];
        for (given, usable, left_out) in table {
            let expected = Addresses { usable: ips(usable), left_out: ips(left_out) };
            assert_eq!(Addresses::of(ips(given)), expected, "{given:?}");
        }
    }
}

//! What one lookup of two address families means.

use std::net::IpAddr;
use std::time::Duration;

/// What asking for one record type (A or AAAA) of one name led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FamilyOutcome<E> {
    /// Addresses, and the least remaining TTL of all records that led to them.
    Records {
        /// In any order.
        addresses: Vec<IpAddr>,
        /// As received.
        ttl: Duration,
    },
    /// The name exists, but has no such record.
    NoData,
    /// The name does not exist, with whatever record.
    NxDomain,
    /// Nobody could be asked, or the answer was an error.
    Failed(E),
}

/// What asking for both record types of one name led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameOutcome<E> {
    /// The name has addresses.
    Found {
        /// The IPv4 ones; none when that query failed, or said NXDOMAIN beside records: those known before stay.
        v4: Option<Vec<IpAddr>>,
        /// The IPv6 ones; likewise.
        v6: Option<Vec<IpAddr>>,
        /// The least remaining TTL.
        ttl: Duration,
        /// Why one of the two failed, if one did.
        failure: Option<E>,
    },
    /// The name has no address: the search goes on with the next name.
    Absent,
    /// Whether it has one could not be learnt: the search ends, or an outage would look like a deleted Service.
    Failed(E),
}

/// The addresses that a resolver knows, and the name they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    name: String,
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
}

/// Says what the outcomes of A and AAAA mean together.
///
/// Addresses of one family are an answer, whatever became of the other. NXDOMAIN speaks for every type, so it
/// outweighs a failure of the other query (some servers fail at AAAA always); NODATA speaks only for its own.
pub fn merge<E>(a: FamilyOutcome<E>, aaaa: FamilyOutcome<E>) -> NameOutcome<E> {
    use FamilyOutcome::{Failed, NoData, NxDomain, Records};
    match (a, aaaa) {
        (Records { addresses: v4, ttl: ttl_4 }, Records { addresses: v6, ttl: ttl_6 }) => {
            NameOutcome::Found { v4: Some(v4), v6: Some(v6), ttl: ttl_4.min(ttl_6), failure: None }
        }
        (Records { addresses, ttl }, other) => {
            let (v6, failure) = other.without_records();
            NameOutcome::Found { v4: Some(addresses), v6, ttl, failure }
        }
        (other, Records { addresses, ttl }) => {
            let (v4, failure) = other.without_records();
            NameOutcome::Found { v4, v6: Some(addresses), ttl, failure }
        }
        (NxDomain, _) | (_, NxDomain) | (NoData, NoData) => NameOutcome::Absent,
        (Failed(error), _) | (_, Failed(error)) => NameOutcome::Failed(error),
    }
}

impl<E> FamilyOutcome<E> {
    /// What an outcome that is no addresses says about this family next to addresses of the other.
    fn without_records(self) -> (Option<Vec<IpAddr>>, Option<E>) {
        match self {
            Self::Failed(error) => (None, Some(error)),
            Self::Records { addresses, .. } => (Some(addresses), None),
            Self::NoData => (Some(Vec::new()), None),
            // The other family has records, so this contradicts it: the name came or went between the two questions,
            // or the server says NXDOMAIN for want of a type. Neither says that addresses known before are gone.
            Self::NxDomain => (None, None),
        }
    }
}

impl Known {
    /// The absolute name that led to addresses last, if any did.
    pub fn winner(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&*self.name)
    }

    /// All addresses: sorted, so that the same set is always the same list.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.v4.iter().chain(&self.v6).copied()
    }

    /// Whether each family has one address at most: what a ClusterIP Service looks like.
    pub fn is_single(&self) -> bool {
        self.v4.len() <= 1 && self.v6.len() <= 1 && self.addresses().next().is_some()
    }

    /// Takes in what `name` has now; returns whether the addresses are others than before.
    ///
    /// A family that failed keeps the addresses it had, if they were this name's.
    pub fn on_found(&mut self, name: &str, v4: Option<Vec<IpAddr>>, v6: Option<Vec<IpAddr>>) -> bool {
        let before = std::mem::take(self);
        let old = if before.name == name { before.clone() } else { Self::default() };
        self.name = name.to_owned();
        self.v4 = v4.map_or(old.v4, sorted);
        self.v6 = v6.map_or(old.v6, sorted);
        self.v4 != before.v4 || self.v6 != before.v6
    }

    /// Takes in that no name has an address; the winner stays the first name to ask.
    pub fn on_absent(&mut self) {
        self.v4.clear();
        self.v6.clear();
    }
}

fn sorted(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::{FamilyOutcome, Known, NameOutcome, merge};
    use FamilyOutcome::{Failed, NoData, NxDomain};

    fn v4(n: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, n).into()
    }

    fn v6(n: u16) -> IpAddr {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n).into()
    }

    fn records(address: IpAddr, ttl: u64) -> FamilyOutcome<u8> {
        FamilyOutcome::Records { addresses: vec![address], ttl: Duration::from_secs(ttl) }
    }

    #[test]
    fn every_pair_of_outcomes_has_its_meaning() {
        let found = |v4: Option<Vec<IpAddr>>, v6: Option<Vec<IpAddr>>, ttl, failure| NameOutcome::Found {
            v4,
            v6,
            ttl: Duration::from_secs(ttl),
            failure,
        };
        let (some_4, some_6) = (Some(vec![v4(1)]), Some(vec![v6(1)]));
        let table = [
            (records(v4(1), 5), records(v6(1), 3), found(some_4.clone(), some_6.clone(), 3, None)),
            (records(v4(1), 5), NoData, found(some_4.clone(), Some(vec![]), 5, None)),
            (records(v4(1), 5), NxDomain, found(some_4.clone(), None, 5, None)),
            (records(v4(1), 5), Failed(6), found(some_4, None, 5, Some(6))),
            (NoData, records(v6(1), 3), found(Some(vec![]), some_6.clone(), 3, None)),
            (NxDomain, records(v6(1), 3), found(None, some_6.clone(), 3, None)),
            (Failed(4), records(v6(1), 3), found(None, some_6, 3, Some(4))),
            (NoData, NoData, NameOutcome::Absent),
            (NoData, NxDomain, NameOutcome::Absent),
            (NxDomain, NoData, NameOutcome::Absent),
            (NxDomain, NxDomain, NameOutcome::Absent),
            (NxDomain, Failed(6), NameOutcome::Absent),
            (Failed(4), NxDomain, NameOutcome::Absent),
            (NoData, Failed(6), NameOutcome::Failed(6)),
            (Failed(4), NoData, NameOutcome::Failed(4)),
            (Failed(4), Failed(6), NameOutcome::Failed(4)),
        ];
        for (a, aaaa, expected) in table {
            assert_eq!(merge(a.clone(), aaaa.clone()), expected, "{a:?} {aaaa:?}");
        }
    }

    #[test]
    fn a_failed_family_keeps_its_addresses_unless_they_were_another_names() {
        let mut known = Known::default();
        assert!(known.on_found("a.", Some(vec![v4(2), v4(1), v4(2)]), Some(vec![v6(1)])));
        assert!(known.addresses().eq([v4(1), v4(2), v6(1)]));
        assert!(!known.on_found("a.", Some(vec![v4(1), v4(2)]), None), "another order is no change");
        assert!(known.on_found("a.", None, Some(vec![])));
        assert!(known.addresses().eq([v4(1), v4(2)]));
        assert!(known.on_found("b.", None, Some(vec![v6(2)])));
        assert!(known.addresses().eq([v6(2)]) && known.is_single());
        known.on_absent();
        assert_eq!((known.winner(), known.addresses().count()), (Some("b."), 0));
        assert!(!known.is_single());
        assert!(known.on_found("b.", Some(vec![v4(1)]), None), "what was absent does not come back");
        assert!(known.addresses().eq([v4(1)]));
    }
}

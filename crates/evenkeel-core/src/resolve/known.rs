//! What a resolver knows between its lookups.

use std::net::IpAddr;
use std::time::Duration;

use super::addresses::each_once;
use super::families::Had;
use crate::time::Time;

/// How long the records that a name had speak against answers that contradict each other. Then they were true: the
/// server says NXDOMAIN for want of a type, and the name has lost the other for good.
const CONTRADICTED: Duration = Duration::from_secs(30);

/// The addresses that a resolver knows, and the name they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    name: String,
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
    /// Since when the answers contradict each other.
    contradicted_since: Option<Time>,
    /// Whether they have done so for long.
    is_contradicted: bool,
}

impl Known {
    /// The absolute name that led to addresses last, if any did.
    pub fn winner(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&*self.name)
    }

    /// Which records `name` had when it was last heard of; none when its answers have contradicted that for long.
    pub fn had(&self, name: &str) -> Had {
        let is_it = self.name == name && !self.is_contradicted;
        Had { v4: is_it && !self.v4.is_empty(), v6: is_it && !self.v6.is_empty() }
    }

    /// All addresses, each once: those of A records first, in the order in which they came when the set last changed.
    ///
    /// DNS servers turn the order round from answer to answer, so that clients which take the first spread out. The
    /// same set stays the same list all the same. An AAAA record may say an IPv4 address, too, which an A record says
    /// as well.
    pub fn addresses(&self) -> Vec<IpAddr> {
        each_once(self.v4.iter().chain(&self.v6).copied())
    }

    /// Whether each family has one address at most: what a ClusterIP Service looks like.
    pub fn is_single(&self) -> bool {
        let addresses = self.addresses();
        let v4 = addresses.iter().filter(|address| address.is_ipv4()).count();
        !addresses.is_empty() && v4 <= 1 && addresses.len() - v4 <= 1
    }

    /// Takes in what `name` has now; returns whether the addresses are others than before.
    ///
    /// A family that nothing is known of keeps the addresses it had, if they were this name's.
    pub fn on_found(&mut self, name: &str, v4: Option<Vec<IpAddr>>, v6: Option<Vec<IpAddr>>) -> bool {
        let before = std::mem::take(self);
        let is_its = before.name == name;
        let kept = |family: &Vec<IpAddr>| if is_its { family.clone() } else { Vec::new() };
        let changed = Self {
            name: name.to_owned(),
            v4: v4.unwrap_or_else(|| kept(&before.v4)),
            v6: v6.unwrap_or_else(|| kept(&before.v6)),
            contradicted_since: None,
            is_contradicted: false,
        };
        if same_set(&changed.v4, &before.v4) && same_set(&changed.v6, &before.v6) {
            *self = Self { v4: before.v4, v6: before.v6, ..changed };
            return false;
        }
        let is_changed = !same_set(&changed.addresses(), &before.addresses());
        *self = changed;
        is_changed
    }

    /// Takes in that no name has an address; the winner stays remembered.
    pub fn on_absent(&mut self) {
        self.v4.clear();
        self.v6.clear();
        (self.contradicted_since, self.is_contradicted) = (None, false);
    }

    /// Takes in that the answers contradict each other, as [`NameOutcome::Contradicted`] says.
    ///
    /// [`NameOutcome::Contradicted`]: super::NameOutcome::Contradicted
    pub fn on_contradicted(&mut self, now: Time) {
        let since = *self.contradicted_since.get_or_insert(now);
        self.is_contradicted = since + CONTRADICTED <= now;
    }
}

fn same_set(a: &[IpAddr], b: &[IpAddr]) -> bool {
    let set = |addresses: &[IpAddr]| {
        let mut set = addresses.to_vec();
        set.sort_unstable();
        set.dedup();
        set
    };
    a == b || set(a) == set(b)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::{CONTRADICTED, Had, Known};
    use crate::time::Time;

    fn v4(n: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, n).into()
    }

    fn v6(n: u16) -> IpAddr {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n).into()
    }

    #[test]
    fn a_failed_family_keeps_its_addresses_unless_they_were_another_names() {
        let mut known = Known::default();
        assert!(known.on_found("a.", Some(vec![v4(2), v4(1), v4(2)]), Some(vec![v6(1)])));
        assert_eq!(known.addresses(), [v4(2), v4(1), v6(1)]);
        assert!(!known.on_found("a.", Some(vec![v4(1), v4(2)]), None), "another order is no change");
        assert!(known.on_found("a.", None, Some(vec![])));
        assert_eq!(known.addresses(), [v4(2), v4(1)]);
        assert_eq!((known.had("a."), known.had("b.")), (Had { v4: true, v6: false }, Had::default()));
        assert!(known.on_found("b.", None, Some(vec![v6(2)])));
        assert!(known.addresses() == [v6(2)] && known.is_single());
        known.on_absent();
        assert_eq!((known.winner(), known.addresses().len()), (Some("b."), 0));
        assert!(!known.is_single());
        assert!(known.on_found("b.", Some(vec![v4(1)]), None), "what was absent does not come back");
        assert_eq!(known.addresses(), [v4(1)]);
    }

    #[test]
    fn what_was_there_speaks_against_contradictions_for_a_while_only() {
        let mut known = Known::default();
        let start = Time::after_origin(Duration::from_secs(100));
        let found = |known: &mut Known| known.on_found("a.", Some(vec![v4(1)]), Some(vec![]));
        found(&mut known);
        known.on_contradicted(start);
        known.on_contradicted(start + (CONTRADICTED - Duration::from_millis(1)));
        assert!(known.had("a.").v4);
        known.on_contradicted(start + CONTRADICTED);
        assert_eq!((known.had("a."), known.addresses().len()), (Had::default(), 1));
        assert!(!found(&mut known), "the address is the same");
        assert!(known.had("a.").v4, "it begins anew");
        known.on_contradicted(start + CONTRADICTED * 2);
        assert!(known.had("a.").v4);
    }

    /// Clients that take the first address spread out as DNS turns the order, and none moves for that alone.
    #[test]
    fn the_order_is_the_answers_and_changes_with_the_set_only() {
        let mut known = Known::default();
        let mut found = |v4s: &[u8], v6s: &[u16]| {
            let (v4s, v6s) = (v4s.iter().copied().map(v4).collect(), v6s.iter().copied().map(v6).collect());
            let is_changed = known.on_found("a.", Some(v4s), Some(v6s));
            (is_changed, known.addresses())
        };
        assert_eq!(found(&[3, 1, 2], &[2, 1]), (true, vec![v4(3), v4(1), v4(2), v6(2), v6(1)]));
        assert_eq!(found(&[1, 2, 3], &[1, 2]), (false, vec![v4(3), v4(1), v4(2), v6(2), v6(1)]));
        assert_eq!(found(&[2, 3, 1, 4], &[1, 2]), (true, vec![v4(2), v4(3), v4(1), v4(4), v6(1), v6(2)]));
    }

    #[test]
    fn an_address_that_both_families_say_is_one() {
        let mut known = Known::default();
        assert!(known.on_found("a.", Some(vec![v4(1)]), Some(vec![v4(1)])));
        assert!(known.addresses() == [v4(1)] && known.is_single());
        assert!(!known.on_found("a.", Some(vec![v4(1)]), Some(vec![])));
    }
}

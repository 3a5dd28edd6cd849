use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Family, FamilyOutcome, Had, NameOutcome, Records, merge};
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
    let found = |v4: Option<Vec<IpAddr>>, v6: Option<Vec<IpAddr>>, ttl, failure| {
        Some(NameOutcome::Found(Records { v4, v6, ttl: Duration::from_secs(ttl), failure }))
    };
    let (some_4, some_6) = (Some(vec![v4(1)]), Some(vec![v6(1)]));
    let table = [
        (Some(records(v4(1), 5)), Some(records(v6(1), 3)), found(some_4.clone(), some_6.clone(), 3, None)),
        (Some(records(v4(1), 5)), Some(NoData), found(some_4.clone(), Some(vec![]), 5, None)),
        (Some(records(v4(1), 5)), Some(NxDomain), found(some_4.clone(), None, 5, None)),
        (Some(records(v4(1), 5)), Some(Failed(6)), found(some_4.clone(), None, 5, Some(6))),
        (Some(records(v4(1), 5)), None, found(some_4, None, 5, None)),
        (Some(NoData), Some(records(v6(1), 3)), found(Some(vec![]), some_6.clone(), 3, None)),
        (Some(NxDomain), Some(records(v6(1), 3)), found(None, some_6.clone(), 3, None)),
        (Some(Failed(4)), Some(records(v6(1), 3)), found(None, some_6.clone(), 3, Some(4))),
        (None, Some(records(v6(1), 3)), found(None, some_6, 3, None)),
        (Some(NoData), Some(NoData), Some(NameOutcome::Absent)),
        (Some(NoData), Some(NxDomain), Some(NameOutcome::Absent)),
        (Some(NxDomain), Some(NoData), Some(NameOutcome::Absent)),
        (Some(NxDomain), Some(NxDomain), Some(NameOutcome::Absent)),
        (Some(NxDomain), Some(Failed(6)), Some(NameOutcome::Failed(6))),
        (Some(Failed(4)), Some(NxDomain), Some(NameOutcome::Failed(4))),
        (Some(NoData), Some(Failed(6)), Some(NameOutcome::Failed(6))),
        (Some(Failed(4)), Some(NoData), Some(NameOutcome::Failed(4))),
        (Some(Failed(4)), Some(Failed(6)), Some(NameOutcome::Failed(4))),
        (Some(NxDomain), None, None),
        (None, Some(Failed(6)), None),
        (None, None, None),
    ];
    for (a, aaaa, expected) in table {
        assert_eq!(merge(a.clone(), aaaa.clone(), Had::default()), expected, "{a:?} {aaaa:?}");
    }
}

#[test]
fn nxdomain_for_one_type_is_not_absence_of_the_records_that_were_just_there() {
    let absent = |a, aaaa, had| merge::<u8>(Some(a), Some(aaaa), had) == Some(NameOutcome::Absent);
    let (had_4, had_6) = (Had { v4: true, v6: false }, Had { v4: false, v6: true });
    assert!(!absent(NoData, NxDomain, had_4) && !absent(NxDomain, NoData, had_6));
    assert!(absent(NoData, NxDomain, had_6) && absent(NxDomain, NoData, had_4));
    let both = Had { v4: true, v6: true };
    assert!(absent(NxDomain, NxDomain, both) && absent(NoData, NoData, both));
}

#[test]
fn a_late_outcome_speaks_for_its_own_family() {
    let late = records(v6(1), 7).beside_records(Family::V6);
    assert_eq!((late.v4, late.v6, late.ttl.as_secs()), (None, Some(vec![v6(1)]), 7));
    let late = FamilyOutcome::<u8>::NoData.beside_records(Family::V4);
    assert_eq!((late.v4, late.v6), (Some(vec![]), None));
    assert_eq!(FamilyOutcome::<u8>::NxDomain.beside_records(Family::V4).v4, None);
    assert_eq!(FamilyOutcome::Failed(6).beside_records(Family::V6).failure, Some(6));
}

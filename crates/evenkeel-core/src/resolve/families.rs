//! What the outcomes of two address families mean together.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// An address family, by its record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4: A records.
    V4,
    /// IPv6: AAAA records.
    V6,
}

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

/// Which families a name had records of when they were last heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Had {
    /// A records.
    pub v4: bool,
    /// AAAA records.
    pub v6: bool,
}

/// What a name's records are, where it has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<E> {
    /// The IPv4 addresses; none when that is not known (failed, not answered yet, or NXDOMAIN beside records): those
    /// known before stay.
    pub v4: Option<Vec<IpAddr>>,
    /// The IPv6 ones; likewise.
    pub v6: Option<Vec<IpAddr>>,
    /// The least remaining TTL.
    pub ttl: Duration,
    /// Why one of the two failed, if one did.
    pub failure: Option<E>,
}

/// What asking for both record types of one name led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameOutcome<E> {
    /// The name has addresses.
    Found(Records<E>),
    /// The name has no address.
    Absent,
    /// Whether it has one could not be learnt.
    Failed(E),
    /// The name does not exist, says the answer for one type, and the one for the other says that it does, without the
    /// records that were there a moment ago: a server that says NXDOMAIN for want of a type (RFC 4074 §4.2) in trouble.
    Contradicted,
}

/// Says what the outcomes of A and AAAA mean together. None: not answered yet, for a name that has records already.
///
/// Addresses of one family are an answer, whatever became of the other. Without any, NXDOMAIN and NODATA make the name
/// absent only where nothing speaks against it: the other question has failed, or NXDOMAIN for one type stands beside
/// NODATA for a type of which the name `had` records.
pub fn merge<E>(
    a: Option<FamilyOutcome<E>>,
    aaaa: Option<FamilyOutcome<E>>,
    had: Had,
) -> Option<NameOutcome<E>> {
    use FamilyOutcome::{Failed, NoData, NxDomain, Records};
    match (a, aaaa) {
        (Some(Records { addresses: v4, ttl: ttl_4 }), Some(Records { addresses: v6, ttl: ttl_6 })) => {
            found(Some(v4), Some(v6), ttl_4.min(ttl_6), None)
        }
        (Some(Records { addresses, ttl }), other) => {
            let (v6, failure) = without_records(other);
            found(Some(addresses), v6, ttl, failure)
        }
        (other, Some(Records { addresses, ttl })) => {
            let (v4, failure) = without_records(other);
            found(v4, Some(addresses), ttl, failure)
        }
        (None, _) | (_, None) => None,
        (Some(Failed(error)), _) | (_, Some(Failed(error))) => Some(NameOutcome::Failed(error)),
        (Some(NoData), Some(NxDomain)) if had.v4 => Some(NameOutcome::Contradicted),
        (Some(NxDomain), Some(NoData)) if had.v6 => Some(NameOutcome::Contradicted),
        (Some(NoData | NxDomain), Some(NoData | NxDomain)) => Some(NameOutcome::Absent),
    }
}

fn found<E>(
    v4: Option<Vec<IpAddr>>,
    v6: Option<Vec<IpAddr>>,
    ttl: Duration,
    failure: Option<E>,
) -> Option<NameOutcome<E>> {
    Some(NameOutcome::Found(Records { v4, v6, ttl, failure }))
}

/// What an outcome that is no addresses says about its family next to addresses of the other.
fn without_records<E>(outcome: Option<FamilyOutcome<E>>) -> (Option<Vec<IpAddr>>, Option<E>) {
    match outcome {
        Some(FamilyOutcome::Failed(error)) => (None, Some(error)),
        Some(FamilyOutcome::Records { addresses, .. }) => (Some(addresses), None),
        Some(FamilyOutcome::NoData) => (Some(Vec::new()), None),
        // The other family has records, so NXDOMAIN contradicts it: the name came or went between the two questions,
        // or the server says it for want of a type. Neither says that addresses known before are gone.
        Some(FamilyOutcome::NxDomain) | None => (None, None),
    }
}

impl<E> FamilyOutcome<E> {
    /// Whether there are addresses.
    pub fn is_positive(&self) -> bool {
        matches!(self, Self::Records { .. })
    }

    /// What this outcome says when it comes after the other family's addresses have been taken.
    pub fn beside_records(self, family: Family) -> Records<E> {
        let ttl = match &self {
            Self::Records { ttl, .. } => *ttl,
            _ => Duration::MAX,
        };
        let (addresses, failure) = without_records(Some(self));
        match family {
            Family::V4 => Records { v4: addresses, v6: None, ttl, failure },
            Family::V6 => Records { v4: None, v6: addresses, ttl, failure },
        }
    }
}

impl Family {
    /// Both, in the order to ask for them.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The record type: `A` or `AAAA`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "A",
            Self::V6 => "AAAA",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

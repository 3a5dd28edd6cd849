//! Endpoints: what a resolver finds and a policy spreads calls over.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use crate::attributes::Attributes;

/// Where one connection can be made to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// `host:port` that nobody resolved (`passthrough:`): the connector does.
    Name(Arc<str>),
    /// A Unix-domain socket by its path.
    Unix(PathBuf),
    /// A Unix-domain socket in Linux' abstract namespace, by its name without the leading NUL.
    UnixAbstract(Arc<str>),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::UnixAbstract(name) => write!(f, "unix-abstract:{name}"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

/// One backend: the addresses it can be reached at (gRFC A61).
///
/// Two endpoints are the same backend when they hold the same addresses in any order; [`Endpoint::new`] sorts
/// nothing away, since the order is the order of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    addresses: Arc<[Address]>,
    weight: NonZeroU32,
    attributes: Attributes,
}

impl Endpoint {
    /// A backend reachable at any of `addresses`, tried in this order.
    pub fn new(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
            weight: NonZeroU32::MIN,
            attributes: Attributes::default(),
        }
    }

    /// Gives it a weight beside the other endpoints: `pick_first` shuffles by it (gRFC A113). Default: 1.
    #[must_use]
    pub fn with_weight(mut self, weight: NonZeroU32) -> Self {
        self.weight = weight;
        self
    }

    /// Its weight beside the other endpoints.
    pub fn weight(&self) -> NonZeroU32 {
        self.weight
    }

    /// Adds a fact about it, for policies and for people. One of the same type that was there before goes.
    ///
    /// A list in which facts alone have changed reaches the policy and costs no connection.
    #[must_use]
    pub fn with_attribute<T: Any + fmt::Debug + Send + Sync + PartialEq>(mut self, value: T) -> Self {
        self.attributes = self.attributes.with(value);
        self
    }

    /// What is known about it beside its addresses.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The addresses, in the order of attempts.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What makes two endpoints the same backend: the set of addresses.
    pub fn key(&self) -> EndpointKey {
        let mut addresses = self.addresses.to_vec();
        addresses.sort();
        addresses.dedup();
        EndpointKey(addresses)
    }
}

impl<A: Into<Address>> From<A> for Endpoint {
    fn from(address: A) -> Self {
        Self::new([address.into()])
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, address) in self.addresses.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            address.fmt(f)?;
        }
        Ok(())
    }
}

/// An endpoint's identity across updates: its addresses as a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey(Vec<Address>);

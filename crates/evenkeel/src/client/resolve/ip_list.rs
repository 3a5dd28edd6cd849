//! `ipv4:a:p,b:p` and `ipv6:[a]:p,[b]:p`: the target is the list of backends.

use evenkeel_core::endpoint::Endpoint;
use evenkeel_core::target::{Target, TargetError, authority_of, parse_ip_list};

use super::fixed::Fixed;
use super::{ResolveContext, Resolver, ResolverFactory};

/// One factory per family.
#[derive(Debug)]
pub(super) enum IpList {
    V4,
    V6,
}

impl ResolverFactory for IpList {
    fn scheme(&self) -> &str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }

    fn build(&self, target: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        let text = target.without_authority()?.non_empty_endpoint()?;
        let addresses = parse_ip_list(text, matches!(self, Self::V6))?;
        Ok(Fixed::boxed(addresses.into_iter().map(Endpoint::from)))
    }

    /// The list's first address: a list with its commas is no authority that an HTTP library would take.
    fn default_authority(&self, target: &Target) -> Option<String> {
        target.endpoint().split(',').next().map(authority_of)
    }
}

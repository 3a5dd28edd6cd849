//! `passthrough:///address`: the connector gets the address as it is written.

use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_core::endpoint::{Address, Endpoint};
use evenkeel_core::target::{Target, TargetError};

use super::fixed::Fixed;
use super::{ResolveContext, Resolver, ResolverFactory};

#[derive(Debug)]
pub(super) struct Passthrough;

impl ResolverFactory for Passthrough {
    fn scheme(&self) -> &str {
        "passthrough"
    }

    fn build(&self, target: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        let text = target.without_authority()?.non_empty_endpoint()?;
        let address = match text.parse::<SocketAddr>() {
            Ok(address) => Address::Ip(address),
            Err(_) => Address::Name(Arc::from(text)),
        };
        Ok(Fixed::boxed([Endpoint::from(address)]))
    }
}

//! `unix:path`, `unix:///absolute/path` and `unix-abstract:name`.

use std::path::PathBuf;
use std::sync::Arc;

use evenkeel_core::endpoint::{Address, Endpoint};
use evenkeel_core::target::{Target, TargetError};

use super::fixed::Fixed;
use super::{ResolveContext, Resolver, ResolverFactory};

/// One factory per namespace.
#[derive(Debug)]
pub(super) enum Unix {
    Path,
    Abstract,
}

impl ResolverFactory for Unix {
    fn scheme(&self) -> &str {
        match self {
            Self::Path => "unix",
            Self::Abstract => "unix-abstract",
        }
    }

    fn build(&self, target: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        target.without_authority()?.non_empty_endpoint()?;
        let address = match self {
            Self::Path => Address::Unix(PathBuf::from(target.path())),
            Self::Abstract => Address::UnixAbstract(Arc::from(target.path())),
        };
        Ok(Fixed::boxed([Endpoint::from(address)]))
    }

    fn default_authority(&self, _: &Target) -> Option<String> {
        Some("localhost".to_owned())
    }
}

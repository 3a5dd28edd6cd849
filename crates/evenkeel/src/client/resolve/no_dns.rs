//! Stands in for the `dns:` resolver where it was not built in, to say so.

use evenkeel_core::target::{Target, TargetError};

use super::{ResolveContext, Resolver, ResolverFactory};

#[derive(Debug)]
pub(super) struct NoDns;

impl ResolverFactory for NoDns {
    fn scheme(&self) -> &str {
        "dns"
    }

    fn build(&self, target: &Target, _: &ResolveContext) -> Result<Box<dyn Resolver>, TargetError> {
        Err(TargetError::MissingFeature { scheme: target.scheme().to_owned(), feature: "dns" })
    }
}

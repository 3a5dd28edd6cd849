//! Policies by name: what a service config or a program chooses one with.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{LeastRequestConfig, PickFirstConfig, Policy, RoundRobinConfig};

/// A policy's settings, and how to make the policy.
pub trait PolicyConfig: Any + fmt::Debug + Send + Sync {
    /// The policy's name in a service config, for example `round_robin`.
    ///
    /// Going from one config to another of the same name changes the settings of the running policy
    /// ([`Policy::on_update`]); another name means another policy.
    fn name(&self) -> &str;

    /// Makes a policy with these settings.
    fn build(&self) -> Box<dyn Policy>;
}

/// Makes the settings of one kind of policy.
pub trait PolicyFactory: fmt::Debug + Send + Sync + 'static {
    /// The policy's name in a service config.
    fn name(&self) -> &str;

    /// The settings that hold when only the name is given.
    fn default_config(&self) -> Arc<dyn PolicyConfig>;
}

/// The policies that one channel knows by name.
#[derive(Clone, Debug)]
pub struct Registry {
    factories: Vec<Arc<dyn PolicyFactory>>,
}

/// Which policy a program wants: by name, or with its settings.
#[derive(Clone, Debug)]
pub struct PolicyChoice(Choice);

/// No policy of this name is built in or was added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no load-balancing policy is called `{name}`")]
pub struct UnknownPolicy {
    /// The name.
    pub name: String,
}

#[derive(Clone, Debug)]
enum Choice {
    Named(String),
    Config(Arc<dyn PolicyConfig>),
}

#[derive(Debug)]
struct BuiltIn {
    name: &'static str,
    default_config: fn() -> Arc<dyn PolicyConfig>,
}

impl PolicyFactory for BuiltIn {
    fn name(&self) -> &str {
        self.name
    }

    fn default_config(&self) -> Arc<dyn PolicyConfig> {
        (self.default_config)()
    }
}

impl Default for Registry {
    /// The built-in policies: `pick_first`, `round_robin` and `least_request_experimental`.
    fn default() -> Self {
        let built_in = [
            BuiltIn { name: PickFirstConfig::NAME, default_config: || Arc::new(PickFirstConfig::default()) },
            BuiltIn {
                name: RoundRobinConfig::NAME,
                default_config: || Arc::new(RoundRobinConfig::default()),
            },
            BuiltIn {
                name: LeastRequestConfig::NAME,
                default_config: || Arc::new(LeastRequestConfig::default()),
            },
        ];
        Self { factories: built_in.into_iter().map(|built_in| Arc::new(built_in) as _).collect() }
    }
}

impl Registry {
    /// Adds a policy; it wins over a built-in one of that name, and over one added before.
    pub fn add(&mut self, factory: Arc<dyn PolicyFactory>) {
        self.factories.insert(0, factory);
    }

    /// The policy of this name. Names are case-sensitive.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn PolicyFactory>> {
        self.factories.iter().find(|factory| factory.name() == name)
    }

    /// The settings that `choice` means.
    ///
    /// # Errors
    /// When it names a policy that is not known here.
    pub fn resolve(&self, choice: &PolicyChoice) -> Result<Arc<dyn PolicyConfig>, UnknownPolicy> {
        match &choice.0 {
            Choice::Config(config) => Ok(Arc::clone(config)),
            Choice::Named(name) => match self.find(name) {
                Some(factory) => Ok(factory.default_config()),
                None => Err(UnknownPolicy { name: name.clone() }),
            },
        }
    }
}

impl<C: PolicyConfig> From<C> for PolicyChoice {
    fn from(config: C) -> Self {
        Self(Choice::Config(Arc::new(config)))
    }
}

impl From<&str> for PolicyChoice {
    fn from(name: &str) -> Self {
        Self(Choice::Named(name.to_owned()))
    }
}

impl From<String> for PolicyChoice {
    fn from(name: String) -> Self {
        Self(Choice::Named(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Mine;

    impl PolicyFactory for Mine {
        fn name(&self) -> &str {
            "round_robin"
        }

        fn default_config(&self) -> Arc<dyn PolicyConfig> {
            Arc::new(PickFirstConfig::default())
        }
    }

    #[test]
    fn names_lead_to_default_settings_and_what_was_added_wins() {
        let mut registry = Registry::default();
        for name in ["pick_first", "round_robin", "least_request_experimental"] {
            assert_eq!(registry.resolve(&name.into()).unwrap().name(), name);
        }
        assert_eq!(
            registry.resolve(&"Round_Robin".into()).unwrap_err(),
            UnknownPolicy { name: "Round_Robin".into() }
        );
        registry.add(Arc::new(Mine));
        assert_eq!(registry.resolve(&"round_robin".into()).unwrap().name(), "pick_first");
        let chosen = PolicyChoice::from(RoundRobinConfig::default());
        assert_eq!(registry.resolve(&chosen).unwrap().name(), "round_robin", "settings need no lookup");
    }
}

//! Facts of any type about something, found by their type.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Facts about an endpoint, at most one of each type: who knows the type finds it, and nobody else has to know.
///
/// A copy costs one count. Two are equal when they hold equal facts, in whatever order they were added.
#[derive(Clone, Default)]
pub struct Attributes(Option<Arc<[Arc<dyn Attribute>]>>);

/// Anything that can be compared and printed.
trait Attribute: Any + fmt::Debug + Send + Sync {
    fn is_equal(&self, other: &dyn Attribute) -> bool;
}

impl<T: Any + fmt::Debug + Send + Sync + PartialEq> Attribute for T {
    fn is_equal(&self, other: &dyn Attribute) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<T>().is_some_and(|other| other == self)
    }
}

impl Attributes {
    /// No facts.
    pub const NONE: Self = Self(None);

    /// With this fact, which takes the place of another one of its type.
    #[must_use]
    pub fn with<T: Any + fmt::Debug + Send + Sync + PartialEq>(self, value: T) -> Self {
        let kind = TypeId::of::<T>();
        let others = self.all().iter().filter(|other| (***other).type_id() != kind).cloned();
        let value: Arc<dyn Attribute> = Arc::new(value);
        Self(Some(others.chain([value]).collect()))
    }

    /// The fact of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.all().iter().find_map(|attribute| {
            let attribute: &dyn Any = &**attribute;
            attribute.downcast_ref()
        })
    }

    fn all(&self) -> &[Arc<dyn Attribute>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |mine: &Arc<dyn Attribute>| other.all().iter().any(|theirs| mine.is_equal(&**theirs));
        self.all().len() == other.all().len() && self.all().iter().all(is_there)
    }
}

impl Eq for Attributes {}

impl Hash for Attributes {
    /// Facts need no hash of their own: what they are about has one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.all().len().hash(state);
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Zone(&'static str);

    #[derive(Debug, PartialEq)]
    struct Hostname(&'static str);

    #[test]
    fn a_fact_is_found_by_its_type_and_the_last_one_holds() {
        let none = Attributes::default();
        assert_eq!(none.get::<Zone>(), None);
        let both = none.clone().with(Zone("a")).with(Hostname("h"));
        assert_eq!((both.get(), both.get()), (Some(&Zone("a")), Some(&Hostname("h"))));
        assert_eq!(both.clone().with(Zone("b")).get(), Some(&Zone("b")));
        assert_eq!(both.get(), Some(&Zone("a")));
    }

    #[test]
    fn they_are_equal_when_their_facts_are() {
        let a = Attributes::default().with(Zone("a"));
        assert_eq!(a.clone().with(Hostname("h")), Attributes::default().with(Hostname("h")).with(Zone("a")));
        assert_eq!(a.clone().with(Zone("b")).with(Zone("a")), a);
        for other in
            [Attributes::default(), Attributes::default().with(Zone("b")), a.clone().with(Hostname("h"))]
        {
            assert_ne!(a, other);
            assert_ne!(other, a);
        }
        assert_eq!(format!("{a:?}"), "{Zone(\"a\")}");
    }
}

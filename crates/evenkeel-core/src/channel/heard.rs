//! What the resolver has said, and what the policy was told of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Difference;
use super::table::Table;
use crate::attributes::Attributes;
use crate::balance::{Controller as _, Policy, PolicyConfig, PolicyUpdate, Rejected};
use crate::endpoint::{Endpoint, EndpointKey};
use crate::time::Time;
use crate::update::Unlisted;

/// So long an endpoint that has left the list counts as an old one, should it come back: DNS servers do not all learn of
/// a change at once.
const REMEMBERED_AS_GONE: Duration = Duration::from_secs(30);

/// What the resolver said last about the backends, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    latest: Latest,
    /// What the policy was told last; `None` before the first time, and when it could not go by that.
    accepted: Option<Latest>,
    /// The endpoints that the policy has, with those that the resolver does not name any more.
    told: Arc<[Endpoint]>,
    /// Endpoints that are in the list no more, and since when.
    gone: Vec<(Time, EndpointKey)>,
}

#[derive(Clone, Debug, Default)]
struct Latest {
    list: Arc<[Endpoint]>,
    unlisted: Unlisted,
    attributes: Attributes,
    note: Option<Arc<str>>,
}

impl PartialEq for Latest {
    fn eq(&self, other: &Self) -> bool {
        let Self { list, unlisted, attributes, note } = self;
        is_same(list, &other.list)
            && *unlisted == other.unlisted
            && *attributes == other.attributes
            && *note == other.note
    }
}

/// Most lists that are equal are one and the same, which `==` does not look for.
fn is_same(a: &Arc<[Endpoint]>, b: &Arc<[Endpoint]>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

impl Heard {
    pub(super) fn on_list(
        &mut self,
        list: Arc<[Endpoint]>,
        unlisted: Unlisted,
        attributes: Attributes,
        note: Option<Arc<str>>,
    ) {
        // One comparison of a long list is enough: who holds the same one sees that at once.
        let list = if is_same(&self.latest.list, &list) { Arc::clone(&self.latest.list) } else { list };
        self.latest = Latest { list, unlisted, attributes, note };
    }

    /// The endpoints that the policy has.
    pub(super) fn told(&self) -> &[Endpoint] {
        &self.told
    }

    /// Those, and those that it had a moment ago.
    pub(super) fn told_and_gone(&self) -> HashSet<EndpointKey> {
        let gone = self.gone.iter().map(|(_, key)| key.clone());
        self.told.iter().map(Endpoint::key).chain(gone).collect()
    }

    /// There is nobody, says a resolver that may have been told too little.
    pub(super) fn is_empty_for_now(&self) -> bool {
        self.latest.list.is_empty() && self.latest.unlisted == Unlisted::KeepReady
    }

    /// The policy has endpoints that the resolver does not name, or was not told yet that there is nobody.
    pub(super) fn is_ahead(&self) -> bool {
        self.latest.unlisted == Unlisted::KeepReady
            && (self.told.len() != self.latest.list.len() || self.accepted.as_ref() != Some(&self.latest))
    }

    /// Tells the policy, if that is news to it; returns how its list changed.
    pub(super) fn tell(
        &mut self,
        policy: &mut impl Policy,
        config: &dyn PolicyConfig,
        table: &mut Table,
    ) -> Result<Difference, Rejected> {
        let list = match self.latest.unlisted {
            Unlisted::Drop => Arc::clone(&self.latest.list),
            Unlisted::KeepReady => self.with_ready(table),
        };
        let is_same_list = is_same(&self.told, &list);
        if is_same_list && self.accepted.as_ref() == Some(&self.latest) {
            return Ok(Difference::default());
        }
        let difference =
            if is_same_list { Difference::default() } else { self.difference(&list, table.now()) };
        self.told = list;
        self.hand_over(policy, config, table).map(|()| difference)
    }

    /// Tells the policy what it was told before: it, or its settings, are others now.
    pub(super) fn tell_again(
        &mut self,
        policy: &mut impl Policy,
        config: &dyn PolicyConfig,
        table: &mut Table,
    ) -> Result<(), Rejected> {
        if self.latest == Latest::default() { Ok(()) } else { self.hand_over(policy, config, table) }
    }

    fn hand_over(
        &mut self,
        policy: &mut impl Policy,
        config: &dyn PolicyConfig,
        table: &mut Table,
    ) -> Result<(), Rejected> {
        let (attributes, note) = (&self.latest.attributes, self.latest.note.as_ref());
        let update = PolicyUpdate { attributes, note, ..PolicyUpdate::new(&self.told, config) };
        let result = policy.on_update(&update, table);
        self.accepted = result.is_ok().then(|| self.latest.clone());
        result
    }

    /// The list, and after it those who were in the one before and are READY.
    fn with_ready(&self, table: &Table) -> Arc<[Endpoint]> {
        let named: HashSet<EndpointKey> = self.latest.list.iter().map(Endpoint::key).collect();
        let kept =
            |endpoint: &&Endpoint| !named.contains(&endpoint.key()) && table.is_endpoint_ready(endpoint);
        self.latest.list.iter().chain(self.told.iter().filter(kept)).cloned().collect()
    }

    /// How the list changes; what leaves it is remembered for a while.
    fn difference(&mut self, after: &[Endpoint], now: Time) -> Difference {
        let old: HashSet<EndpointKey> = self.told.iter().map(Endpoint::key).collect();
        let new: HashSet<EndpointKey> = after.iter().map(Endpoint::key).collect();
        let before = self.gone.len();
        self.gone.extend(old.difference(&new).map(|key| (now, key.clone())));
        let removed = self.gone.len() - before;
        self.gone.retain(|(since, _)| now.since(*since) < REMEMBERED_AS_GONE);
        Difference { added: new.difference(&old).count(), removed }
    }
}

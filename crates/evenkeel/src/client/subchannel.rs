//! A subchannel as calls see it: where the connection stands that they may use.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use evenkeel_core::balance::SubchannelId;
use evenkeel_core::event::SubchannelKey;
use evenkeel_core::list::SharedList;

use crate::http2::client::Connection;
use crate::observe::next_subchannel;

/// Outlives its connections: when one comes or goes, nothing else has to be told.
#[derive(Debug)]
pub(super) struct Subchannel {
    id: SubchannelId,
    key: SubchannelKey,
    connection: ArcSwapOption<Connection>,
}

/// All subchannels, by their index. Changes when one is made or given up, and at no other time.
#[derive(Clone, Debug, Default)]
pub(super) struct Subchannels(SharedList<Option<Arc<Subchannel>>>);

impl Subchannel {
    /// Looks at the connection that takes new calls, if there is one.
    pub(super) fn with_connection<T>(&self, look: impl FnOnce(&Arc<Connection>) -> T) -> Option<T> {
        let connection = self.connection.load();
        connection.as_ref().filter(|connection| connection.is_usable()).map(look)
    }

    pub(super) fn take_connection(&self) -> Option<Arc<Connection>> {
        self.connection.swap(None)
    }

    pub(super) fn set_connection(&self, connection: Option<Arc<Connection>>) {
        self.connection.store(connection);
    }
}

impl Subchannels {
    /// A name that is out of date finds nothing.
    pub(super) fn get(&self, id: SubchannelId) -> Option<&Arc<Subchannel>> {
        self.0.get(id.index())?.as_ref().filter(|subchannel| subchannel.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Subchannel>> {
        self.0.iter().flatten()
    }

    /// The name of the subchannel, which is made if it is not there.
    pub(super) fn add(&mut self, id: SubchannelId) -> SubchannelKey {
        if let Some(subchannel) = self.get(id) {
            return subchannel.key;
        }
        let key = next_subchannel();
        while self.0.len() <= id.index() {
            self.0.push(None);
        }
        if let Some(place) = self.0.get_mut(id.index()) {
            *place = Some(Arc::new(Subchannel { id, key, connection: ArcSwapOption::empty() }));
        }
        key
    }

    pub(super) fn remove(&mut self, id: SubchannelId) {
        if self.get(id).is_some()
            && let Some(place) = self.0.get_mut(id.index())
        {
            *place = None;
        }
    }
}

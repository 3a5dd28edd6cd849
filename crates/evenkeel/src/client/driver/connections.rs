//! A channel's attempts and connections: what calls can use, and what observers hear of it.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_core::balance::SubchannelId;
use evenkeel_core::cause::{Cause, CauseKind};
use evenkeel_core::channel::AttemptId;
use evenkeel_core::event::{Event, SubchannelKey, Suspected};
use tokio::task::AbortHandle;

use crate::client::subchannel::Subchannels;
use crate::http2::client::Connection;
use crate::observe::{ConnectionLife, Observers};

/// Who is there, by the names that the deciding core gave out.
pub(super) struct Connections {
    observers: Observers,
    subchannels: Subchannels,
    /// Attempts that have not connected yet.
    attempts: HashMap<AttemptId, AbortHandle>,
    /// Connections that take new calls, or may again.
    open: HashMap<AttemptId, Arc<ConnectionLife>>,
    /// Connections that take no new calls now, and may again.
    aside: HashMap<AttemptId, Arc<Connection>>,
}

impl Connections {
    pub(super) fn new(observers: Observers) -> Self {
        Self {
            observers,
            subchannels: Subchannels::default(),
            attempts: HashMap::new(),
            open: HashMap::new(),
            aside: HashMap::new(),
        }
    }

    /// What calls find subchannels in.
    pub(super) fn table(&self) -> Subchannels {
        self.subchannels.clone()
    }

    /// The subchannel's name in events.
    pub(super) fn key(&mut self, id: SubchannelId) -> SubchannelKey {
        self.subchannels.add(id)
    }

    pub(super) fn remove_subchannel(&mut self, id: SubchannelId) {
        self.subchannels.remove(id);
    }

    pub(super) fn on_attempt(&mut self, attempt: AttemptId, task: AbortHandle) {
        self.attempts.insert(attempt, task);
    }

    pub(super) fn on_attempt_failed(&mut self, attempt: AttemptId) {
        self.attempts.remove(&attempt);
    }

    /// An attempt led to a connection; `is_wanted`: calls may use it.
    pub(super) fn on_connected(
        &mut self,
        (id, attempt): (SubchannelId, AttemptId),
        (connection, life): (Arc<Connection>, Arc<ConnectionLife>),
        is_wanted: bool,
    ) {
        self.attempts.remove(&attempt);
        self.open.insert(attempt, life);
        match self.subchannels.get(id).filter(|_| is_wanted) {
            Some(subchannel) => subchannel.set_connection(Some(connection)),
            None => self.let_go(attempt),
        }
    }

    /// A connection takes no new calls; its task has said why.
    pub(super) fn on_ended(&mut self, attempt: AttemptId) {
        self.open.remove(&attempt);
    }

    /// Nobody wants this connection any more: that is the reason, if there was none before.
    fn let_go(&mut self, attempt: AttemptId) {
        if let Some(life) = self.open.remove(&attempt) {
            let cause = Cause::new(CauseKind::Shutdown, "its subchannel does not want it any more");
            life.disconnect(cause, &self.observers);
        }
    }

    pub(super) fn on_suspected(&self, attempt: AttemptId, cause: &Cause) {
        if let Some(life) = self.open.get(&attempt) {
            let (connection, cause) = (life.name().clone(), cause.clone());
            self.observers.tell(&Event::Suspected(Suspected::new(connection, cause)));
        }
    }

    pub(super) fn on_trusted(&self, attempt: AttemptId) {
        if let Some(life) = self.open.get(&attempt) {
            self.observers.tell(&Event::Trusted(life.name().clone()));
        }
    }

    /// Stops an attempt, or lets a connection end with its last call.
    pub(super) fn release(&mut self, id: SubchannelId, attempt: AttemptId) {
        if let Some(task) = self.attempts.remove(&attempt) {
            task.abort();
            return;
        }
        self.let_go(attempt);
        if self.aside.remove(&attempt).is_none() {
            self.take_from_calls(id);
        }
    }

    pub(super) fn set_aside(&mut self, id: SubchannelId, attempt: AttemptId) {
        let connection = self.take_from_calls(id);
        self.aside.extend(connection.map(|connection| (attempt, connection)));
    }

    /// Nobody finds it any more, and whoever waits for a stream on it, of whom nobody there has heard, goes elsewhere.
    fn take_from_calls(&self, id: SubchannelId) -> Option<Arc<Connection>> {
        let connection = self.subchannels.get(id)?.take_connection()?;
        connection.set_aside(true);
        Some(connection)
    }

    pub(super) fn take_back(&mut self, id: SubchannelId, attempt: AttemptId) {
        let connection = self.aside.remove(&attempt);
        if let Some(connection) = &connection {
            connection.set_aside(false);
        }
        if let Some(subchannel) = self.subchannels.get(id) {
            subchannel.set_connection(connection);
        }
    }
}

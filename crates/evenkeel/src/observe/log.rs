//! Events as `tracing` events.

use std::sync::Arc;

use evenkeel_core::event::{
    ConnectionRef, DnsQuery, Event, GoAway, ResolutionFailed, Resolved, SubchannelStateChanged, Suspected,
};
use evenkeel_core::state::ConnectivityState;

use super::Observer;

/// Writes a channel's events to `tracing`, with the channel's target on each.
#[derive(Debug)]
pub(crate) struct Log {
    target: Arc<str>,
}

impl Log {
    pub(crate) fn new(target: &str) -> Self {
        Self { target: target.into() }
    }
}

impl Observer for Log {
    fn on_event(&self, event: &Event) {
        let target = &*self.target;
        match event {
            Event::ChannelState(change) => {
                tracing::info!(channel = target, from = %change.from, to = %change.to, "channel state");
            }
            Event::SubchannelState(change) => subchannel_state(target, change),
            Event::Connected(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::debug!(channel = target, %connection, %address, "connected");
            }
            Event::Disconnected(disconnected) => {
                let ConnectionRef { connection, address, .. } = &disconnected.connection;
                let cause = &disconnected.cause;
                tracing::debug!(channel = target, %connection, %address, %cause, "takes no new calls any more");
            }
            Event::ConnectionClosed(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::debug!(channel = target, %connection, %address, "connection closed");
            }
            Event::Suspected(Suspected { connection, cause, .. }) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::warn!(channel = target, %connection, %address, %cause, "a server may hang");
            }
            Event::Trusted(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::info!(channel = target, %connection, %address, "a server that was suspect is alive");
            }
            Event::GoAway(GoAway { connection, code, debug: text, .. }) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::info!(channel = target, %connection, %address, code, text = &**text, "GOAWAY");
            }
            Event::DnsQuery(query) => dns_query(target, query),
            Event::RefreshRequested(request) => {
                tracing::debug!(channel = target, urgent = request.urgent, "re-resolution requested");
            }
            Event::Resolved(resolved) => on_resolved(target, resolved),
            Event::ResolutionFailed(ResolutionFailed { error, absent, next, .. }) => {
                tracing::warn!(channel = target, error = &**error, absent, ?next, "name not resolved");
            }
            Event::UpdateRejected(rejected) => {
                let reason = &*rejected.reason;
                tracing::warn!(channel = target, reason, "the policy rejects what was resolved");
            }
            other => tracing::debug!(channel = target, event = ?other, "event"),
        }
    }
}

fn subchannel_state(target: &str, change: &SubchannelStateChanged) {
    let SubchannelStateChanged { address, from, to, cause, .. } = change;
    let cause = cause.as_ref().map_or("", |cause| cause.text());
    if *to == ConnectivityState::TransientFailure {
        tracing::warn!(channel = target, %address, %from, %to, cause, "subchannel state");
    } else {
        tracing::debug!(channel = target, %address, %from, %to, cause, "subchannel state");
    }
}

fn dns_query(target: &str, query: &DnsQuery) {
    let DnsQuery { name, record_type, server, transport, round_trip, size, answer, .. } = query;
    tracing::debug!(
        channel = target, name, record_type, %server, %transport, ?round_trip, ?size, %answer, "DNS"
    );
}

fn on_resolved(target: &str, resolved: &Resolved) {
    let Resolved { endpoints, added, removed, next, .. } = resolved;
    let (count, changed) = (endpoints.len(), added + removed > 0);
    if changed {
        tracing::info!(channel = target, endpoints = count, added, removed, ?next, "resolved");
    } else {
        tracing::debug!(channel = target, endpoints = count, ?next, "resolved, unchanged");
    }
}

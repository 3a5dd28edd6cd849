//! Events as `tracing` events.

use std::sync::Arc;

use evenkeel_core::state::ConnectivityState;

use super::{ConnectionRef, Disconnected, DnsQuery, Event, Observer, Suspected};

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
            Event::ChannelState { from, to } => {
                tracing::info!(channel = target, %from, %to, "channel state");
            }
            Event::SubchannelState { address, from, to, cause, .. } => {
                let cause = cause.as_ref().map_or("", |cause| cause.text());
                if *to == ConnectivityState::TransientFailure {
                    tracing::warn!(channel = target, %address, %from, %to, cause, "subchannel state");
                } else {
                    tracing::debug!(channel = target, %address, %from, %to, cause, "subchannel state");
                }
            }
            Event::Connected(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::debug!(channel = target, %connection, %address, "connected");
            }
            Event::Disconnected(Disconnected { connection, cause }) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::debug!(channel = target, %connection, %address, %cause, "takes no new calls any more");
            }
            Event::ConnectionClosed(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::debug!(channel = target, %connection, %address, "connection closed");
            }
            Event::Suspected(Suspected { connection, cause }) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::warn!(channel = target, %connection, %address, %cause, "a server may hang");
            }
            Event::Trusted(connection) => {
                let ConnectionRef { connection, address, .. } = connection;
                tracing::info!(channel = target, %connection, %address, "a server that was suspect is alive");
            }
            Event::GoAway { address, code, debug: text } => {
                tracing::info!(channel = target, %address, code, text = &**text, "GOAWAY");
            }
            Event::DnsQuery(query) => {
                let DnsQuery { name, record_type, server, transport, round_trip, size, answer } = query;
                tracing::debug!(
                    channel = target, name, record_type, %server, %transport, ?round_trip, ?size, %answer, "DNS"
                );
            }
            Event::RefreshRequested { urgent } => {
                tracing::debug!(channel = target, urgent, "re-resolution requested");
            }
            Event::Resolved { endpoints, added, removed, next } => {
                let (count, changed) = (endpoints.len(), added + removed > 0);
                if changed {
                    tracing::info!(channel = target, endpoints = count, added, removed, ?next, "resolved");
                } else {
                    tracing::debug!(channel = target, endpoints = count, ?next, "resolved, unchanged");
                }
            }
            Event::ResolutionFailed { error, absent, next } => {
                tracing::warn!(channel = target, error = &**error, absent, ?next, "name not resolved");
            }
            Event::UpdateRejected { reason } => {
                tracing::warn!(channel = target, reason = &**reason, "the policy rejects what was resolved");
            }
        }
    }
}

//! What happened in an act, and when: the marks on its chart.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::event::{GoAway, Resolved};
use evenkeel::{Event, Observer};

/// Notes what happens: what the plot does by its own word, what the channel tells as its observer.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Vec<(Instant, Kind, String)>>);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Since the first call.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pods came, were killed, or got SIGTERM.
    Pod,
    /// DNS failed, or came back.
    Dns,
    /// The channel learnt another list.
    Resolved,
    GoAway,
}

impl Marks {
    pub(crate) fn note(&self, kind: Kind, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), kind, text));
    }

    /// Those after `start`, in order.
    pub(crate) fn since(&self, start: Instant) -> Vec<Mark> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut marks: Vec<Mark> = noted
            .iter()
            .filter_map(|(at, kind, text)| {
                let at = at.checked_duration_since(start)?;
                Some(Mark { at, kind: *kind, text: text.clone() })
            })
            .collect();
        marks.sort_by_key(|mark| mark.at);
        marks
    }
}

impl Observer for Marks {
    fn on_event(&self, event: &Event) {
        match event {
            Event::GoAway(GoAway { connection, debug, .. }) => {
                self.note(Kind::GoAway, format!("GOAWAY from {}: {debug}", connection.address));
            }
            Event::Resolved(Resolved { endpoints, added, removed, .. }) if added + removed > 0 => {
                let changes = match (added, removed) {
                    (added, 0) => format!("{added} new"),
                    (0, removed) => format!("{removed} gone"),
                    (added, removed) => format!("{added} new, {removed} gone"),
                };
                self.note(
                    Kind::Resolved,
                    format!("the channel learns {} addresses: {changes}", endpoints.len()),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use evenkeel::Address;
    use evenkeel::event::{ConnectionKey, ConnectionRef, SubchannelKey};

    use super::{Event, GoAway, Instant, Kind, Marks, Observer, Resolved};

    #[test]
    fn what_is_noted_after_the_start() {
        let marks = Marks::default();
        marks.note(Kind::Pod, "before".to_owned());
        let start = Instant::now();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let endpoints: Arc<[_]> = vec![address.into()].into();
        let resolved = Resolved::new(endpoints);
        marks.on_event(&Event::Resolved(resolved.clone()));
        marks.on_event(&Event::Resolved(resolved.changed(1, 2)));
        let (connection, subchannel) = (ConnectionKey::default(), SubchannelKey::default());
        let connection = ConnectionRef::new(connection, subchannel, Address::from(address));
        marks.on_event(&Event::GoAway(GoAway::new(connection, 0, "max_age")));
        let seen: Vec<_> = marks.since(start).into_iter().map(|mark| (mark.kind, mark.text)).collect();
        let expected = [
            (Kind::Resolved, "the channel learns 1 addresses: 1 new, 2 gone".to_owned()),
            (Kind::GoAway, "GOAWAY from 127.0.0.1:1: max_age".to_owned()),
        ];
        assert_eq!(seen, expected);
    }
}

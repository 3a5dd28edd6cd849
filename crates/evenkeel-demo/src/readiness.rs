//! Whether the channel is connected to all pods.

use std::time::Duration;

use evenkeel::{ConnectivityState, Event, Observer};
use tokio::sync::watch;
use tokio::time::timeout;

/// What is not connected by then, calls will have to do without.
const LIMIT: Duration = Duration::from_secs(5);

/// Counts the connections that are READY.
#[derive(Debug, Default)]
pub(crate) struct Readiness(watch::Sender<usize>);

impl Readiness {
    /// Waits until so many connections are READY.
    ///
    /// How a channel balances is measured from then on: while it connects, the first pod gets everything, and how long that
    /// is on a busy machine says nothing about balancing.
    pub(crate) async fn wait_for(&self, connections: usize) {
        // An error would mean that the sender is gone, and it is here.
        let _ = timeout(LIMIT, self.0.subscribe().wait_for(|ready| *ready >= connections)).await;
    }
}

impl Observer for Readiness {
    fn on_event(&self, event: &Event) {
        let Event::SubchannelState(change) = event else { return };
        self.0.send_if_modified(|ready| match (change.from, change.to) {
            (_, ConnectivityState::Ready) => {
                *ready += 1;
                true
            }
            (ConnectivityState::Ready, _) => {
                *ready = ready.saturating_sub(1);
                true
            }
            _ => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use evenkeel::ConnectivityState::{Connecting, Idle, Ready};
    use evenkeel::event::{SubchannelKey, SubchannelStateChanged};

    use super::{ConnectivityState, Event, Observer, Readiness};

    fn changes(readiness: &Readiness, from: ConnectivityState, to: ConnectivityState) {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let change = SubchannelStateChanged::new(SubchannelKey::default(), address, from, to);
        readiness.on_event(&Event::SubchannelState(change));
    }

    #[tokio::test]
    async fn connections_that_are_ready_now_count() {
        let readiness = Readiness::default();
        for (from, to) in [(Idle, Connecting), (Connecting, Ready), (Ready, Idle), (Connecting, Ready)] {
            changes(&readiness, from, to);
        }
        assert_eq!(*readiness.0.borrow(), 1);
        changes(&readiness, Connecting, Ready);
        assert_eq!(*readiness.0.borrow(), 2);
        readiness.wait_for(2).await;
    }
}

//! A channel's events, told to the judge and the log.

use std::fmt;
use std::net::IpAddr;

use evenkeel::event::{GoAway, ResolutionFailed, Resolved, SubchannelStateChanged};
use evenkeel::{Event, Observer};

use super::Judge;

/// Watches one client's channel.
pub(crate) struct Watch {
    pub(crate) judge: Judge,
    pub(crate) client: IpAddr,
}

impl Observer for Watch {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Resolved(Resolved { endpoints, added, removed, next, .. }) => {
                self.judge.on_resolved(self.client, endpoints);
                if *added + *removed > 0 {
                    let pods: Vec<_> = endpoints.iter().filter_map(super::calls::ip_of).collect();
                    self.log(format!("resolved {pods:?} (+{added} -{removed}), next in {next:.1?}"));
                }
            }
            Event::ResolutionFailed(ResolutionFailed { error, absent, next, .. }) => {
                if *absent {
                    self.judge.on_absent(self.client);
                }
                self.log(format!("not resolved (absent {absent}), next in {next:.1?}: {error}"));
            }
            Event::SubchannelState(SubchannelStateChanged { address, from, to, cause, .. }) => {
                let cause = cause.as_ref().map_or("", |cause| cause.text());
                self.log(format!("{address} {from:?} -> {to:?} {cause}"));
            }
            Event::ChannelState(change) => self.log(format!("channel {:?} -> {:?}", change.from, change.to)),
            // Their names differ from run to run of one process.
            Event::Connected(_) | Event::Disconnected(_) | Event::ConnectionClosed(_) => {}
            Event::Suspected(suspected) => {
                self.log(format!("{} is suspect: {}", suspected.connection.address, suspected.cause));
            }
            Event::Trusted(connection) => self.log(format!("{} is trusted again", connection.address)),
            Event::GoAway(GoAway { connection, code, debug, .. }) => {
                self.log(format!("GOAWAY {code} from {}: {debug}", connection.address));
            }
            other => self.log(format!("{other:?}")),
        }
    }
}

impl Watch {
    fn log(&self, text: String) {
        self.judge.log.add(format!("{} {text}", self.client));
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("client", &self.client).finish_non_exhaustive()
    }
}

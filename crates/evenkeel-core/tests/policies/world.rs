//! A channel, its clock, and who would be doing its work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::Backoff;
use evenkeel_core::balance::{CallInfo, Pick, Picker, PolicyConfig, Published, SubchannelId};
use evenkeel_core::channel::{Action, AttemptId, ChannelCore, Settings};
use evenkeel_core::connect;
use evenkeel_core::endpoint::{Address, Endpoint};
use evenkeel_core::state::ConnectivityState;
use evenkeel_core::time::Time;
use evenkeel_core::update::Update;

pub(crate) const DELAY: Duration = Duration::from_millis(250);
pub(crate) const BACKOFF: Duration = Duration::from_secs(1);
pub(crate) const NANOSECOND: Duration = Duration::from_nanos(1);

/// Addresses are names of one or a few letters; an endpoint is its addresses with blanks between, as in `"a b"`.
pub(crate) struct World {
    pub(crate) channel: ChannelCore,
    pub(crate) now: Time,
    /// Each state that was published, in order.
    pub(crate) states: Vec<ConnectivityState>,
    picker: Arc<dyn Picker>,
    pub(crate) publications: usize,
    /// Attempts under way, in the order of their start.
    dials: Vec<Link>,
    connections: Vec<Link>,
    /// Subchannels that have ever left IDLE and were not given up, with their state.
    pub(crate) live: BTreeMap<SubchannelId, (String, ConnectivityState)>,
    pub(crate) resolutions: usize,
}

#[derive(Clone, Debug)]
struct Link {
    id: SubchannelId,
    attempt: AttemptId,
    address: String,
}

/// What a call is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Go to this address.
    Go(String),
    Wait,
    Fail(String),
}

impl World {
    pub(crate) fn new(policy: impl PolicyConfig) -> Self {
        Self::with(policy, DELAY, || u64::MAX / 2)
    }

    pub(crate) fn with(
        policy: impl PolicyConfig,
        connection_attempt_delay: Duration,
        random: impl FnMut() -> u64 + Send + 'static,
    ) -> Self {
        // Without jitter a test knows when a backoff ends.
        let backoff = Backoff::new().jitter(0.0).initial(BACKOFF);
        let settings = Settings {
            subchannel: connect::Settings { backoff, connect_timeout: Duration::from_secs(20) },
            connection_attempt_delay,
            grace_after_loss: Duration::ZERO,
            max_connection_attempts: usize::MAX,
        };
        let mut world = Self {
            channel: ChannelCore::new(Arc::new(policy), settings, Box::new(random)),
            now: Time::ORIGIN,
            states: Vec::new(),
            picker: Published::waiting(ConnectivityState::Idle).picker,
            publications: 0,
            dials: Vec::new(),
            connections: Vec::new(),
            live: BTreeMap::new(),
            resolutions: 0,
        };
        world.work();
        world
    }

    fn work(&mut self) {
        for action in self.channel.take_actions() {
            match action {
                Action::Connect { id, attempt, address, .. } => {
                    self.dials.push(Link { id, attempt, address: address.to_string() });
                }
                Action::Release { attempt, .. } => {
                    self.dials.retain(|link| link.attempt != attempt);
                    self.connections.retain(|link| link.attempt != attempt);
                }
                Action::SetAside { .. } | Action::TakeBack { .. } => panic!("nobody was suspected"),
                Action::Resolve(_) => self.resolutions += 1,
                Action::Report { id, to: ConnectivityState::Shutdown, .. } => {
                    self.live.remove(&id);
                }
                Action::Report { id, address, to, .. } => {
                    self.live.insert(id, (address.to_string(), to));
                }
            }
        }
        if let Some(Published { state, picker, .. }) = self.channel.take_publication() {
            self.publications += 1;
            self.states.push(state);
            self.picker = picker;
        }
    }

    pub(crate) fn state(&self) -> ConnectivityState {
        *self.states.last().expect("something was published")
    }

    pub(crate) fn resolve(&mut self, endpoints: &[&str]) {
        let update = Update::endpoints(endpoints.iter().map(|names| endpoint(names)));
        self.update(if endpoints.is_empty() { update.keep_ready() } else { update });
    }

    pub(crate) fn resolver_fails(&mut self, error: &str) {
        self.update(Update::failed(error));
    }

    pub(crate) fn update(&mut self, update: Update) {
        self.channel.on_update(self.now, update).expect("the policy takes it");
        self.work();
    }

    pub(crate) fn switch_to(&mut self, policy: impl PolicyConfig) {
        self.channel.on_policy(self.now, Arc::new(policy)).expect("the policy takes what was said");
        self.work();
    }

    pub(crate) fn connect(&mut self, address: &str) {
        let link = take(&mut self.dials, address);
        self.connections.push(link.clone());
        assert!(self.channel.on_connected(self.now, link.id, link.attempt), "{address} is wanted");
        self.work();
    }

    pub(crate) fn fail(&mut self, address: &str) {
        self.fail_saying(address, &format!("{address} refused"));
    }

    pub(crate) fn fail_saying(&mut self, address: &str, cause: &str) {
        let link = take(&mut self.dials, address);
        self.channel.on_attempt_failed(self.now, link.id, link.attempt, cause.into());
        self.work();
    }

    pub(crate) fn lose(&mut self, address: &str) {
        self.lose_saying(address, true);
    }

    /// `served`: the connection carried a stream to its end.
    pub(crate) fn lose_saying(&mut self, address: &str, served: bool) {
        let link = take(&mut self.connections, address);
        let cause = format!("{address} lost").into();
        self.channel.on_retired(self.now, link.id, link.attempt, served, cause);
        self.work();
    }

    /// Lets time pass, waking the channel whenever it asked for.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.channel.next_wakeup().filter(|due| *due <= until) {
            // An attempt that took longer than its backoff is made again at once.
            self.now = self.now.max(due);
            self.channel.on_wakeup(self.now);
            self.work();
            assert!(self.channel.next_wakeup().is_none_or(|next| next > self.now), "a wakeup is used up");
        }
        self.now = until;
    }

    /// What a call does once: it asks, and where it has to wait for an IDLE channel it wakes that up.
    pub(crate) fn call(&mut self) -> Told {
        let told = self.ask();
        if told == Told::Wait && self.state() == ConnectivityState::Idle {
            self.channel.exit_idle(self.now);
            self.work();
        }
        told
    }

    pub(crate) fn ask(&self) -> Told {
        match self.picker.pick(&CallInfo::new("/s/m")) {
            Pick::Go(picked) => {
                let used = self.connections.iter().find(|link| link.id == picked.subchannel);
                Told::Go(used.expect("a picked subchannel is connected").address.clone())
            }
            Pick::Queue => Told::Wait,
            Pick::Fail(failure) | Pick::Drop(failure) => Told::Fail(failure.cause().to_string()),
            other => panic!("no policy here says {other:?}"),
        }
    }

    /// The addresses being dialled, in the order of the attempts' start.
    pub(crate) fn dialling(&self) -> Vec<&str> {
        self.dials.iter().map(|link| link.address.as_str()).collect()
    }

    pub(crate) fn connected(&self) -> Vec<&str> {
        self.connections.iter().map(|link| link.address.as_str()).collect()
    }

    pub(crate) fn live_addresses(&self) -> Vec<&str> {
        let mut addresses: Vec<&str> = self.live.values().map(|(address, _)| address.as_str()).collect();
        addresses.sort_unstable();
        addresses
    }

    /// The text that calls fail with.
    pub(crate) fn failure(&self) -> String {
        match self.ask() {
            Told::Fail(text) => text,
            other => panic!("calls do not fail: {other:?}"),
        }
    }
}

pub(crate) fn go(address: &str) -> Told {
    Told::Go(address.to_owned())
}

pub(crate) fn endpoint(names: &str) -> Endpoint {
    Endpoint::new(names.split(' ').map(|name| Address::Name(name.into())))
}

fn take(links: &mut Vec<Link>, address: &str) -> Link {
    let place = links.iter().position(|link| link.address == address);
    let place = place.unwrap_or_else(|| panic!("{address} is not among {links:?}"));
    links.remove(place)
}

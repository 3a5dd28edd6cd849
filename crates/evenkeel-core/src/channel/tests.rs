mod dials;
mod loss;
mod suspects;
mod updates;

use super::*;
use crate::backoff::Backoff;
use crate::balance::{CallInfo, Pick, Picker, RoundRobinConfig};
use crate::connect;
use crate::endpoint::Endpoint;
use crate::resolve::Urgency;
use crate::state::ConnectivityState;
use ConnectivityState::{Connecting, Ready, TransientFailure};
use std::collections::HashMap;
use std::time::Duration;

/// A channel, its clock, and who would be doing its work.
struct World {
    channel: ChannelCore,
    now: Time,
    state: Option<ConnectivityState>,
    picker: Option<Arc<dyn Picker>>,
    /// Attempts under way, by endpoint.
    dialling: HashMap<String, (SubchannelId, AttemptId)>,
    connected: HashMap<String, (SubchannelId, AttemptId)>,
    aside: HashMap<String, (SubchannelId, AttemptId)>,
    deadlines: HashMap<String, Time>,
    resolutions: Vec<Urgency>,
    publications: usize,
}

impl World {
    fn new() -> Self {
        Self::with_grace(Duration::ZERO)
    }

    fn with_grace(grace: Duration) -> Self {
        Self::with(grace, usize::MAX)
    }

    fn with(grace: Duration, max_connection_attempts: usize) -> Self {
        Self::with_policy(RoundRobinConfig::default(), grace, max_connection_attempts)
    }

    fn with_policy(policy: impl PolicyConfig, grace: Duration, max_connection_attempts: usize) -> Self {
        let settings = Settings {
            subchannel: connect::Settings {
                backoff: Backoff::default(),
                connect_timeout: Duration::from_secs(20),
            },
            connection_attempt_delay: Duration::from_millis(250),
            grace_after_loss: grace,
            max_connection_attempts,
        };
        let channel = ChannelCore::new(Arc::new(policy), settings, Box::new(|| u64::MAX / 2));
        let mut world = Self {
            channel,
            now: Time::ORIGIN,
            state: None,
            picker: None,
            dialling: HashMap::new(),
            connected: HashMap::new(),
            aside: HashMap::new(),
            deadlines: HashMap::new(),
            resolutions: Vec::new(),
            publications: 0,
        };
        world.work();
        world
    }

    fn work(&mut self) {
        for action in self.channel.take_actions() {
            match action {
                Action::Connect { id, attempt, address, deadline } => {
                    self.dialling.insert(address.to_string(), (id, attempt));
                    self.deadlines.insert(address.to_string(), deadline);
                }
                Action::Release { attempt, .. } => {
                    self.dialling.retain(|_, (_, other)| *other != attempt);
                    self.connected.retain(|_, (_, other)| *other != attempt);
                    self.aside.retain(|_, (_, other)| *other != attempt);
                }
                Action::SetAside { attempt, .. } => move_link(&mut self.connected, &mut self.aside, attempt),
                Action::TakeBack { attempt, .. } => move_link(&mut self.aside, &mut self.connected, attempt),
                Action::Resolve(urgency) => self.resolutions.push(urgency),
                Action::Report { .. } => {}
            }
        }
        if let Some(Published { state, picker, .. }) = self.channel.take_publication() {
            self.publications += 1;
            self.state = Some(state);
            self.picker = Some(picker);
        }
    }

    fn resolve(&mut self, numbers: &[u16]) -> Difference {
        let update = Update::endpoints(numbers.iter().map(|n| endpoint(*n)));
        self.update(if numbers.is_empty() { update.keep_ready() } else { update })
    }

    fn update(&mut self, update: Update) -> Difference {
        let difference = self.channel.on_update(self.now, update).expect("the policy takes it");
        self.work();
        difference
    }

    fn connect(&mut self, n: u16) {
        let name = endpoint(n).to_string();
        let (id, attempt) = self.dialling.remove(&name).expect("being dialled");
        assert!(self.channel.on_connected(self.now, id, attempt));
        self.connected.insert(name, (id, attempt));
        self.work();
    }

    fn fail(&mut self, n: u16) {
        let (id, attempt) = self.dialling.remove(&endpoint(n).to_string()).expect("being dialled");
        self.channel.on_attempt_failed(self.now, id, attempt, format!("{n} refused").into());
        self.work();
    }

    fn lose(&mut self, n: u16) {
        let (id, attempt) = self.connected[&endpoint(n).to_string()];
        self.channel.on_retired(self.now, id, attempt, true, "lost".into());
        self.work();
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.channel.on_wakeup(self.now);
        self.work();
    }

    fn pick(&self) -> Pick {
        self.picker.as_ref().unwrap().pick(&CallInfo::new("/s/m"))
    }

    fn is_dialling(&self, n: u16) -> bool {
        self.dialling.contains_key(&endpoint(n).to_string())
    }
}

fn move_link(
    from: &mut HashMap<String, (SubchannelId, AttemptId)>,
    to: &mut HashMap<String, (SubchannelId, AttemptId)>,
    attempt: AttemptId,
) {
    let name = from.iter().find(|(_, (_, other))| *other == attempt).map(|(name, _)| name.clone());
    let name = name.expect("a connection that is there");
    to.extend(from.remove_entry(&name));
}

fn endpoint(n: u16) -> Endpoint {
    Endpoint::from(std::net::SocketAddr::from(([127, 0, 0, 1], n)))
}

#[test]
fn resolution_leads_to_connections_and_connections_to_picks() {
    let mut world = World::new();
    assert_eq!(world.state, Some(Connecting));
    assert_eq!(world.resolve(&[1, 2]), Difference { added: 2, removed: 0 });
    assert!(matches!(world.pick(), Pick::Queue));
    world.connect(2);
    assert_eq!(world.state, Some(Ready));
    let Pick::Go(picked) = world.pick() else { panic!() };
    assert_eq!(picked.subchannel, world.connected[&endpoint(2).to_string()].0);
}

#[test]
fn a_failed_attempt_is_made_again_when_its_backoff_ends_and_not_before() {
    let mut world = World::new();
    world.resolve(&[1]);
    world.fail(1);
    assert_eq!(world.state, Some(TransientFailure));
    assert_eq!(world.resolutions, [Urgency::Urgent]);
    let due = world.channel.next_wakeup().unwrap();
    world.pass(due.since(world.now) - Duration::from_nanos(1));
    assert!(!world.is_dialling(1));
    world.pass(Duration::from_nanos(1));
    assert!(world.is_dialling(1));
}

#[test]
fn a_lost_connection_asks_urgently_only_when_no_other_is_left() {
    let mut world = World::new();
    world.resolve(&[1, 2]);
    world.connect(1);
    world.connect(2);
    world.lose(1);
    assert!(world.is_dialling(1), "redialled at once, without a call");
    world.lose(2);
    assert_eq!(world.resolutions, [Urgency::Calm, Urgency::Urgent]);
}

#[test]
fn an_unchanged_answer_touches_nothing() {
    let mut world = World::new();
    world.resolve(&[1, 2]);
    world.connect(1);
    let published = world.publications;
    assert_eq!(world.resolve(&[2, 1]), Difference::default());
    assert_eq!(world.publications, published);
}

#[test]
fn one_new_endpoint_among_ten_thousand_touches_one_subchannel() {
    let mut world = World::new();
    let mut list: Vec<u16> = (1..=10_000).collect();
    world.resolve(&list);
    for n in &list {
        let (id, attempt) = world.dialling.remove(&endpoint(*n).to_string()).unwrap();
        world.channel.on_connected(world.now, id, attempt);
    }
    let published = world.publications;
    world.work();
    assert_eq!(world.publications, published + 1, "ten thousand connects, one picker");
    list.push(10_001);
    world.resolve(&list);
    assert_eq!(world.dialling.len(), 1);
}

#[test]
fn when_the_name_is_gone_ready_endpoints_stay_until_their_connection_ends() {
    let mut world = World::new();
    world.resolve(&[1, 2, 3]);
    world.connect(1);
    world.connect(2);
    world.update(Update::absent("NXDOMAIN").keep_ready());
    assert_eq!(world.channel.heard.told().len(), 2, "3 was not READY");
    assert!(!world.is_dialling(3));
    world.lose(1);
    assert!(!world.is_dialling(1), "a name without backends is not redialled");
    assert_eq!(world.state, Some(Ready));
    world.lose(2);
    assert_eq!(world.state, Some(TransientFailure));
    let Pick::Fail(failure) = world.pick() else { panic!() };
    assert_eq!(&**failure.cause().text(), "NXDOMAIN");
    world.resolve(&[2]);
    world.connect(2);
    assert_eq!(world.state, Some(Ready), "the first good answer ends it");
}

#[test]
fn an_outage_of_the_resolver_keeps_what_is_known() {
    let mut world = World::new();
    world.resolve(&[1]);
    world.connect(1);
    world.update(Update::failed("SERVFAIL"));
    assert_eq!(world.state, Some(Ready));
    let mut fresh = World::new();
    fresh.update(Update::failed("SERVFAIL"));
    assert_eq!(fresh.state, Some(TransientFailure), "nothing is known");
}

#[test]
fn news_of_an_attempt_that_was_given_up_changes_nothing() {
    let mut world = World::new();
    world.resolve(&[1]);
    let (id, attempt) = world.dialling[&endpoint(1).to_string()];
    world.resolve(&[2]);
    assert!(
        !world.channel.on_connected(world.now, id, attempt),
        "the subchannel is another's by now, or gone"
    );
    world.work();
    assert_eq!(world.state, Some(Connecting));
}

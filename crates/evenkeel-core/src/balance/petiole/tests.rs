use super::*;
use crate::endpoint::Endpoint;
use ConnectivityState::{Connecting, Idle, Ready as IsReady};
use std::sync::Mutex;

use crate::balance::fake::{Fake, endpoint};
use crate::balance::{CallInfo, Pick, Picker, RoundRobinConfig, SubchannelId};

/// A fact about an endpoint.
#[derive(Clone, Debug, PartialEq)]
struct Zone(&'static str);

/// Knows each endpoint's zone, and hands pickers nothing else.
#[derive(Debug)]
struct ByZone;

#[derive(Debug)]
struct KnownZone(&'static str);

#[derive(Debug)]
struct Zones(Mutex<Vec<&'static str>>);

fn zone(endpoint: &Endpoint) -> &'static str {
    endpoint.attributes().get::<Zone>().map_or("", |zone| zone.0)
}

impl EndpointState for KnownZone {
    type Shared = &'static str;

    fn new(endpoint: &Endpoint) -> Self {
        Self(zone(endpoint))
    }

    fn on_endpoint(&mut self, endpoint: &Endpoint) -> bool {
        std::mem::replace(&mut self.0, zone(endpoint)) != self.0
    }

    fn shared(&self) -> &'static str {
        self.0
    }
}

impl Spread for ByZone {
    type State = KnownZone;

    fn published(&self, ready: SharedList<Ready<&'static str>>, _: &mut dyn Random) -> Published {
        let mut zones: Vec<_> = ready.iter().map(|ready| ready.shared).collect();
        zones.sort_unstable();
        Published::ready(Zones(Mutex::new(zones)))
    }
}

impl Picker for Zones {
    fn pick(&self, _: &CallInfo<'_>) -> Pick {
        Pick::Fail(PickFailure::unavailable(self.0.lock().unwrap().join(",")))
    }
}

fn zones(policy: &Petiole<ByZone>, fake: &mut Fake) -> Option<String> {
    let published = fake.published(policy)?;
    match published.picker.pick(&CallInfo::new("/s/m")) {
        Pick::Fail(zones) => Some(zones.cause().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attribute_that_changes_alone_reaches_pickers_and_touches_no_subchannel() {
    let (mut policy, mut fake) = (Petiole::new(ByZone), Fake::default());
    let list = |a, b| [endpoint(1).with_attribute(Zone(a)), endpoint(2).with_attribute(Zone(b))];
    fake.update(&mut policy, &list("a", "b"), &RoundRobinConfig::new());
    for id in 0..2 {
        for (from, to) in [(Idle, Connecting), (Connecting, IsReady)] {
            let update = SubchannelUpdate { id: SubchannelId::new(id, 0), from, to, cause: None };
            policy.on_subchannel_state(&update, &mut fake);
        }
    }
    assert_eq!(zones(&policy, &mut fake).unwrap(), "a,b");
    fake.update(&mut policy, &list("a", "c"), &RoundRobinConfig::new());
    assert_eq!(zones(&policy, &mut fake).unwrap(), "a,c");
    fake.update(&mut policy, &list("a", "c"), &RoundRobinConfig::new());
    assert_eq!(zones(&policy, &mut fake), None, "nothing new");
    assert_eq!((fake.created.len(), fake.connects.len(), fake.removed.len()), (2, 2, 0));
}

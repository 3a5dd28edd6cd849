//! Which pods a client could count on: the definition of *steady* (see the crate's page), as code.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// After a trouble, and after a pod has become known, this much time is granted ...
const GRACE: Duration = Duration::from_secs(5);
/// ... and this many times the trouble's length, for the backoff that has grown meanwhile ...
const FACTOR: u32 = 2;
/// ... up to the backoff's cap with its jitter, and one attempt.
const MOST: Duration = Duration::from_secs(165);

/// What a trouble does to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// They may be lost, with the calls that were sent on them.
    Cuts,
    /// Calls come late.
    Delays,
}

/// What is known of every client and pod.
pub(crate) struct Knowledge {
    clients: BTreeMap<IpAddr, Client>,
    pods: BTreeMap<IpAddr, Pod>,
    links: BTreeMap<(IpAddr, IpAddr), Link>,
    /// Every answer that DNS ever had, each family for itself.
    published: HashSet<Vec<IpAddr>>,
    /// Servers end connections by age: while the name is absent, each such end takes an endpoint away.
    aging: bool,
}

/// IPv4 and IPv6, each sorted.
fn by_family(pods: &[IpAddr]) -> [Vec<IpAddr>; 2] {
    [true, false].map(|v4| {
        let mut family: Vec<IpAddr> = pods.iter().filter(|pod| pod.is_ipv4() == v4).copied().collect();
        family.sort_unstable();
        family
    })
}

#[derive(Default)]
struct Client {
    known: BTreeMap<IpAddr, Instant>,
    /// Which families the last answer had addresses of: IPv4, IPv6.
    families: [bool; 2],
    /// Since when the name has no backend, by what the client was told.
    absent: Option<Instant>,
}

struct Pod {
    leaving: bool,
}

/// Between one client and one pod.
struct Link {
    running: u32,
    cutting: u32,
    /// The beginning of the trouble that runs, or of the one that is not slept off yet.
    since: Instant,
    settled: Instant,
    excused: Option<Instant>,
    /// Changes with everything that makes the pod unsteady.
    version: u64,
}

/// A pod that was steady, and the state of things then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    pub(crate) pod: IpAddr,
    version: u64,
}

impl Knowledge {
    pub(crate) fn new(clients: &[IpAddr], aging: bool) -> Self {
        let clients = clients.iter().map(|ip| (*ip, Client::default())).collect();
        Self { clients, pods: BTreeMap::new(), links: BTreeMap::new(), published: HashSet::new(), aging }
    }

    pub(crate) fn on_pod_added(&mut self, pod: IpAddr) {
        let now = Instant::now();
        self.pods.insert(pod, Pod { leaving: false });
        for client in self.clients.keys() {
            let settled = now + GRACE;
            let link = Link { running: 0, cutting: 0, since: now, settled, excused: None, version: 0 };
            self.links.insert((*client, pod), link);
        }
    }

    pub(crate) fn on_leaving(&mut self, pod: IpAddr) {
        if let Some(known) = self.pods.get_mut(&pod) {
            known.leaving = true;
        }
        self.links_of(pod, None).for_each(|(_, link)| link.version += 1);
    }

    pub(crate) fn on_trouble(&mut self, pod: IpAddr, client: Option<IpAddr>, harm: Harm) {
        let now = Instant::now();
        let mut touched = Vec::new();
        for (client, link) in self.links_of(pod, client) {
            if link.running == 0 && link.settled <= now {
                link.since = now;
            }
            link.running += 1;
            link.cutting += u32::from(harm == Harm::Cuts);
            link.version += 1;
            touched.push(client);
        }
        // An endpoint whose connection is lost while the name is absent is forgotten.
        let touched = self.clients.iter_mut().filter(|(client, _)| touched.contains(client));
        for (_, client) in touched.filter(|(_, client)| client.absent.is_some()) {
            client.known.remove(&pod);
        }
    }

    pub(crate) fn on_trouble_over(&mut self, pod: IpAddr, client: Option<IpAddr>, harm: Harm) {
        let now = Instant::now();
        for (_, link) in self.links_of(pod, client) {
            link.running -= 1;
            link.settled = now + (GRACE + (now - link.since) * FACTOR).min(MOST);
            if harm == Harm::Cuts {
                link.cutting -= 1;
                link.excused = Some(link.settled);
            }
        }
    }

    /// DNS had this answer for the name.
    pub(crate) fn on_published(&mut self, pods: &[IpAddr]) {
        self.published.extend(by_family(pods));
    }

    /// The client's resolver reported this; returns whether DNS ever said so, each family for itself.
    pub(crate) fn on_resolved(&mut self, client: IpAddr, pods: &[IpAddr]) -> bool {
        self.take_in(client, pods);
        let families = by_family(pods);
        let published = families.each_ref().map(|family| self.published.contains(family));
        let Some(client) = self.clients.get_mut(&client) else { return true };
        // A family that could not be asked for stays as it was: empty, if nothing was known of it.
        let had =
            std::mem::replace(&mut client.families, families.each_ref().map(|family| !family.is_empty()));
        (0..2).all(|family| published[family] || (!had[family] && families[family].is_empty()))
    }

    fn take_in(&mut self, client: IpAddr, pods: &[IpAddr]) {
        let now = Instant::now();
        let before = self.known_now(client);
        let listed: HashSet<&IpAddr> = pods.iter().collect();
        for pod in before.difference(&pods.iter().copied().collect()) {
            self.links_of(*pod, Some(client)).for_each(|(_, link)| link.version += 1);
        }
        let Some(client) = self.clients.get_mut(&client) else { return };
        client.absent = None;
        client.known.retain(|pod, _| listed.contains(pod) && before.contains(pod));
        for pod in pods {
            client.known.entry(*pod).or_insert(now);
        }
    }

    pub(crate) fn on_absent(&mut self, client: IpAddr) {
        let now = Instant::now();
        // Only what is READY stays.
        let ready: HashSet<IpAddr> = self.steady(client).iter().map(|steady| steady.pod).collect();
        if self.aging {
            self.links
                .iter_mut()
                .filter(|((of, _), _)| *of == client)
                .for_each(|(_, link)| link.version += 1);
        }
        if let Some(client) = self.clients.get_mut(&client) {
            client.absent.get_or_insert(now);
            client.families = [false; 2];
            client.known.retain(|pod, _| ready.contains(pod));
        }
    }

    /// The pods that the client can count on now.
    pub(crate) fn steady(&self, client: IpAddr) -> Vec<Steady> {
        let now = Instant::now();
        let Some(state) = self.clients.get(&client) else { return Vec::new() };
        if self.aging && state.absent.is_some() {
            return Vec::new();
        }
        let is_known = |pod: &IpAddr| state.known.get(pod).is_some_and(|since| *since + GRACE <= now);
        let links = self.links.iter().filter(|((of, pod), _)| *of == client && is_known(pod));
        links
            .filter(|((_, pod), link)| {
                let is_leaving = self.pods.get(pod).is_none_or(|pod| pod.leaving);
                !is_leaving && link.running == 0 && link.settled <= now
            })
            .map(|((_, pod), link)| Steady { pod: *pod, version: link.version })
            .collect()
    }

    /// Whether nothing has happened to the pod since.
    pub(crate) fn is_still(&self, client: IpAddr, steady: &Steady) -> bool {
        self.links.get(&(client, steady.pod)).is_some_and(|link| link.version == steady.version)
    }

    /// Whether a call that was sent to the pod may have been lost with its connection.
    pub(crate) fn may_lose_calls(&self, client: IpAddr, pod: IpAddr) -> bool {
        let now = Instant::now();
        self.links
            .get(&(client, pod))
            .is_some_and(|link| link.cutting > 0 || link.excused.is_some_and(|until| now < until))
    }

    /// Whether a pod that the client knows, or knew a moment ago, is in trouble.
    pub(crate) fn is_any_in_trouble(&self, client: IpAddr) -> bool {
        let now = Instant::now();
        let known = self.known_now(client);
        self.links.iter().filter(|((of, _), _)| *of == client).any(|((_, pod), link)| {
            let is_recent = known.contains(pod) || link.since + MOST > now;
            is_recent && (link.running > 0 || link.settled > now)
        })
    }

    fn known_now(&self, client: IpAddr) -> HashSet<IpAddr> {
        let known = self.clients.get(&client).map(|client| client.known.keys().copied().collect());
        known.unwrap_or_default()
    }

    fn links_of(&mut self, pod: IpAddr, client: Option<IpAddr>) -> impl Iterator<Item = (IpAddr, &mut Link)> {
        self.links
            .iter_mut()
            .filter(move |((of, to), _)| *to == pod && client.is_none_or(|client| client == *of))
            .map(|((of, _), link)| (*of, link))
    }
}

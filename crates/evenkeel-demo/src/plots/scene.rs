//! Where a plot takes place, and what every plot can do there.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel_load::{Caller, Summary};

use crate::act::Act;
use crate::cast::Cast;
use crate::cluster::{Cluster, ClusterError, Pod};
use crate::marks::{Kind, Marks};
use crate::seen::FaultSeen;

/// How often it is looked whether the new pods have been called.
const LOOK: Duration = Duration::from_millis(50);
/// How long calls go on after the last thing that happens.
pub(super) const SETTLE: Duration = Duration::from_millis(500);

/// The set: where a plot takes place.
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) act: &'a Act,
    pub(crate) cast: &'a mut Cast,
    pub(crate) caller: &'a Caller,
    /// What the live table lists.
    pub(crate) listed: &'a Mutex<Vec<evenkeel_load::Pod>>,
    /// What the chart marks.
    pub(crate) marks: &'a Marks,
    /// Pods that were started before the calls, so that they are ready in the moment they are put into DNS.
    pub(crate) in_the_wings: Vec<Pod>,
}

/// What happened, beyond what became of the pods.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) killed: Option<Instant>,
    /// How DNS failed, and when it was back.
    pub(crate) faults: Vec<FaultSeen>,
    pub(crate) back: Option<Instant>,
    /// The act is over when the plot is, not when its time is.
    pub(crate) is_over: bool,
}

impl Scene<'_> {
    /// Waits until so long after the first call.
    pub(super) async fn until(&self, at: Duration) {
        tokio::time::sleep_until((self.caller.start() + at).into()).await;
    }

    /// Starts new pods and waits until they listen; nobody knows them yet.
    pub(super) async fn start_pods(&self, count: u8) -> Result<Vec<Pod>, ClusterError> {
        let number = u8::try_from(self.cast.listed().len() + 1).unwrap_or(u8::MAX);
        self.cluster.start_pods(count, number, &self.act.pod_flags).await
    }

    /// Puts new pods into DNS.
    pub(super) fn enter(&mut self, pods: Vec<Pod>) {
        let names: Vec<_> = pods.iter().map(Pod::name).collect();
        self.marks.note(Kind::Pod, format!("{} in DNS", names.join(", ")));
        self.cast.enter(pods, Some(Instant::now()));
        self.publish();
    }

    /// Sends SIGTERM to these pods and takes them out of DNS, in one moment.
    pub(super) fn terminate(&mut self, pods: &[usize]) {
        for &index in pods {
            self.cast.terminate(index);
        }
        let listed = self.cast.listed();
        let names: Vec<_> = pods.iter().filter_map(|&index| Some(listed.get(index)?.name.as_str())).collect();
        self.marks.note(Kind::Pod, format!("{}: out of DNS, SIGTERM", names.join(", ")));
        self.publish();
    }

    pub(super) fn publish(&self) {
        self.cluster.publish(self.act.namespace, &self.cast.addresses_in_dns());
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = self.cast.listed();
    }

    pub(super) fn summary(&self) -> Summary {
        self.caller.summary("")
    }

    /// Waits until each new pod has answered a call, or until so long after the first call.
    pub(super) async fn new_pods_called(&self, at_most: Duration) {
        let end = self.caller.start() + at_most;
        while !self.cast.are_new_ones_called(&self.summary()) && Instant::now() < end {
            tokio::time::sleep(LOOK).await;
        }
    }
}

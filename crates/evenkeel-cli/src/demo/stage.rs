//! Playing an act: pods, a client, steady calls, perhaps new pods, and then the counts of both ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::Channel;

use super::acts::{Act, Addition, DEADLINE, Entrance, RATE};
use super::claims::{Observed, PodCalls, Report};
use super::intervals::Intervals;
use crate::cluster::{Cluster, ClusterError, Pod};
use crate::exit::RunError;
use crate::load::{self, Caller, Stop, Summary};
use crate::plan::{CallPlan, Limit, Pace};
use crate::school::get_school;

/// The cluster and the pods that stand in it. Dropping it ends them all.
#[derive(Debug)]
pub(crate) struct Stage {
    cluster: Cluster,
    namespace: &'static str,
    pods: Vec<Pod>,
}

/// When an act's calls began, and when its new pods were in DNS.
#[derive(Clone, Copy, Debug)]
struct Times {
    start: Instant,
    ready: Option<Instant>,
}

impl Stage {
    /// # Errors
    /// When the cluster could not be started.
    pub(crate) async fn new(pods_in_all: u8) -> Result<Self, ClusterError> {
        let cluster = Cluster::start(pods_in_all).await?;
        Ok(Self { cluster, namespace: "", pods: Vec::new() })
    }

    /// Plays one act; `watch` is shown the client's count as it grows.
    ///
    /// # Errors
    /// When the cluster broke; a claim that does not hold is in the report.
    pub(crate) async fn play(&mut self, act: &Act, watch: impl Fn(&Summary)) -> Result<Report, RunError> {
        self.set(act).await?;
        // Started before the calls, so that they are ready at the moment they are put into DNS.
        let added = self.start_added(act).await?;
        let served_before = self.served().await?;

        let intervals = Arc::new(Intervals::default());
        let target = match act.entrance {
            Entrance::ClusterIp => self.cluster.cluster_ip_target(act.namespace),
            Entrance::Headless => self.cluster.headless_target(act.namespace),
        };
        let observer = Arc::clone(&intervals) as Arc<dyn evenkeel::Observer>;
        let channel = Channel::builder(target.as_str()).refresh(act.refresh).observer(observer).build()?;
        let plan = call_plan(act.duration);
        let caller = Arc::new(Caller::new(channel.clone(), &plan, Instant::now()));

        let (_running, stopped) = Stop::new();
        let in_dns = Mutex::new(listed(&self.pods));
        let look = || {
            let pods = in_dns.lock().unwrap_or_else(PoisonError::into_inner);
            watch(&caller.summary(&target).over_pods(&pods));
        };
        let show = async {
            loop {
                look();
                tokio::time::sleep(load::REDRAW).await;
            }
        };
        let (ready, ()) = tokio::select! {
            both = async { tokio::join!(self.publish_added(act, added, caller.start(), &in_dns), load::run(&caller, &plan, stopped)) } => both,
            () = show => return Err(RunError::Interrupted),
        };
        let times = Times { start: caller.start(), ready };
        let summary = caller.summary(&target);
        look();
        channel.close().await;

        let pods = self.pod_calls(act, &summary, &served_before, times).await?;
        let interval = ready.and_then(|ready| intervals.at(ready));
        Ok(Report::new(act.id, act.claim_text.clone(), act.claim, observed(&summary, pods, times, interval)))
    }

    /// Ends all pods, and waits until they have.
    pub(crate) async fn clear(&mut self) {
        for pod in self.pods.drain(..) {
            pod.end().await;
        }
    }

    /// Sees to it that the pods of the act's beginning stand.
    async fn set(&mut self, act: &Act) -> Result<(), ClusterError> {
        if self.namespace != act.namespace {
            self.clear().await;
            self.pods = self.cluster.start_pods(act.pods, 1, &pod_flags(act)).await?;
            self.namespace = act.namespace;
        }
        self.cluster.publish(act.namespace, &self.pods);
        Ok(())
    }

    async fn start_added(&mut self, act: &Act) -> Result<Vec<Pod>, ClusterError> {
        match act.added {
            Some(added) => self.cluster.start_pods(added.pods, act.pods + 1, &pod_flags(act)).await,
            None => Ok(Vec::new()),
        }
    }

    /// Puts the new pods into DNS at their time; says when that was.
    async fn publish_added(
        &mut self,
        act: &Act,
        added: Vec<Pod>,
        start: Instant,
        in_dns: &Mutex<Vec<load::Pod>>,
    ) -> Option<Instant> {
        let Addition { at, .. } = act.added?;
        tokio::time::sleep_until((start + at).into()).await;
        let ready = Instant::now();
        self.pods.extend(added);
        self.cluster.publish(act.namespace, &self.pods);
        *in_dns.lock().unwrap_or_else(PoisonError::into_inner) = listed(&self.pods);
        Some(ready)
    }

    /// Each pod's own count by its name.
    async fn served(&mut self) -> Result<HashMap<String, u64>, ClusterError> {
        let mut served = HashMap::new();
        for pod in &mut self.pods {
            served.insert(pod.name().to_owned(), pod.calls().await?);
        }
        Ok(served)
    }

    async fn pod_calls(
        &mut self,
        act: &Act,
        summary: &Summary,
        before: &HashMap<String, u64>,
        times: Times,
    ) -> Result<Vec<PodCalls>, ClusterError> {
        let after = self.served().await?;
        let pod_calls = |(index, pod): (usize, &Pod)| {
            let name = pod.name().to_owned();
            let count = |counts: &HashMap<String, u64>| counts.get(&name).copied().unwrap_or(0);
            let seen = || summary.endpoints.iter().filter(|endpoint| endpoint.pod.name == name);
            let first = seen().map(|endpoint| times.start + endpoint.first_call).min();
            let is_new = index >= usize::from(act.pods);
            PodCalls {
                served: count(&after).saturating_sub(count(before)),
                answered: seen().map(|endpoint| endpoint.calls).sum(),
                address: pod.address().to_string(),
                is_new,
                first_call: match (first, times.ready) {
                    (Some(first), Some(ready)) if is_new => Some(first.saturating_duration_since(ready)),
                    _ => None,
                },
                name,
            }
        };
        Ok(self.pods.iter().enumerate().map(pod_calls).collect())
    }
}

/// Pods as a table lists them.
fn listed(pods: &[Pod]) -> Vec<load::Pod> {
    let listed = |pod: &Pod| load::Pod { name: pod.name().to_owned(), address: pod.address().to_string() };
    pods.iter().map(listed).collect()
}

fn call_plan(duration: Duration) -> CallPlan {
    CallPlan {
        method: get_school(),
        timeout: DEADLINE,
        pace: Pace::new(1, RATE, DEADLINE),
        limit: Limit::After(duration),
    }
}

fn pod_flags(act: &Act) -> Vec<String> {
    let age = act.max_connection_age.map(|age| format!("--max-connection-age={}ms", age.as_millis()));
    age.into_iter().collect()
}

fn observed(summary: &Summary, pods: Vec<PodCalls>, times: Times, interval: Option<Duration>) -> Observed {
    Observed {
        pods,
        calls: summary.calls,
        failed: summary.failures(),
        max_latency: summary.latency.map_or(Duration::ZERO, |latency| latency.max),
        p99_latency: summary.latency.map_or(Duration::ZERO, |latency| latency.p99),
        watched: times.ready.map(|ready| (times.start + summary.elapsed).saturating_duration_since(ready)),
        interval,
    }
}

//! The pods of an act: who stands in DNS, who is on the way out, who is gone, and what each counted.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use evenkeel_load::{EndpointSummary, Summary};

use crate::cluster::{ClusterError, Pod};
use crate::seen::{Fate, KillSeen, PodCalls};

/// How long a drained pod may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(20);

/// All pods that an act has seen.
#[derive(Debug, Default)]
pub(crate) struct Cast(Vec<Member>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    address: SocketAddr,
    /// `None` once it has ended.
    pod: Option<Pod>,
    is_in_dns: bool,
    /// When clients could first learn of it from DNS, for one that was not there from the start.
    learnable: Option<Instant>,
    /// Its own count at the act's beginning, and the latest.
    before: u64,
    served: u64,
    fate: Fate,
}

impl Cast {
    /// Adds pods that are in DNS from now on.
    pub(crate) fn enter(&mut self, pods: Vec<Pod>, learnable: Option<Instant>) {
        self.0.extend(pods.into_iter().map(|pod| Member {
            name: pod.name().to_owned(),
            address: pod.address(),
            pod: Some(pod),
            is_in_dns: true,
            learnable,
            before: 0,
            served: 0,
            fate: Fate::Stands,
        }));
    }

    /// Where the pods are that DNS should name.
    pub(crate) fn addresses_in_dns(&self) -> Vec<SocketAddr> {
        self.0.iter().filter(|member| member.is_in_dns).map(|member| member.address).collect()
    }

    /// The indices of the pods that are in DNS.
    pub(crate) fn standing(&self) -> Vec<usize> {
        (0..self.0.len()).filter(|&index| self.0.get(index).is_some_and(|member| member.is_in_dns)).collect()
    }

    /// As a table lists them.
    pub(crate) fn listed(&self) -> Vec<evenkeel_load::Pod> {
        let listed = |member: &Member| evenkeel_load::Pod {
            name: member.name.clone(),
            address: member.address.to_string(),
        };
        self.0.iter().map(listed).collect()
    }

    /// Sends SIGTERM to a pod, which leaves DNS in that moment.
    pub(crate) fn terminate(&mut self, index: usize) {
        if let Some(member) = self.0.get_mut(index) {
            member.is_in_dns = false;
            member.fate = Fate::Drained { is_clean: false };
            if let Some(pod) = &member.pod {
                pod.terminate();
            }
        }
    }

    /// Sends SIGKILL to a pod after asking it for its count, which it cannot say any more afterwards.
    ///
    /// `answered` says how many of its calls the client has counted by now. Returns the moment of the kill.
    ///
    /// # Errors
    /// When it does not say its count.
    pub(crate) async fn kill(
        &mut self,
        index: usize,
        answered: impl Fn(&str) -> u64,
    ) -> Result<Instant, ClusterError> {
        let Some(member) = self.0.get_mut(index) else { return Ok(Instant::now()) };
        member.fate = Fate::Killed { answered_before: answered(&member.name) };
        member.count().await?;
        let at = Instant::now();
        if let Some(pod) = &member.pod {
            pod.kill();
        }
        member.is_in_dns = false;
        Ok(at)
    }

    /// Waits for the pods that were killed or terminated to be gone; the terminated ones' own reports are kept.
    ///
    /// # Errors
    /// When one does not end.
    pub(crate) async fn bury(&mut self) -> Result<(), ClusterError> {
        for member in &mut self.0 {
            match member.fate {
                Fate::Stands => {}
                Fate::Killed { .. } => {
                    if let Some(pod) = member.pod.take() {
                        pod.end().await;
                    }
                }
                Fate::Drained { .. } => {
                    if let Some(pod) = member.pod.take() {
                        let ended = pod.ended(END_LIMIT).await?;
                        member.served = ended.served;
                        member.fate = Fate::Drained { is_clean: ended.is_clean };
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether all pods that came during the act have answered a call.
    pub(crate) fn are_new_ones_called(&self, summary: &Summary) -> bool {
        let mut new = self.0.iter().filter(|member| member.learnable.is_some());
        new.all(|member| member.seen(summary).next().is_some())
    }

    /// New pods could not be learnt of before `moment`.
    pub(crate) fn learnable_from(&mut self, moment: Instant) {
        for learnable in self.0.iter_mut().filter_map(|member| member.learnable.as_mut()) {
            *learnable = moment.max(*learnable);
        }
    }

    /// When the first of the new pods could be learnt of.
    pub(crate) fn first_learnable(&self) -> Option<Instant> {
        self.0.iter().filter_map(|member| member.learnable).min()
    }

    /// What the client saw of a kill at `killed`; `start` is what its times count from.
    pub(crate) fn kill_seen(&self, killed: Instant, summary: &Summary, start: Instant) -> KillSeen {
        let since = |moment: Duration| (start + moment).saturating_duration_since(killed);
        let dead = self.0.iter().filter(|member| matches!(member.fate, Fate::Killed { .. }));
        let new = self.0.iter().filter(|member| member.learnable.is_some());
        let answered = dead.flat_map(|member| member.seen(summary)).map(|endpoint| endpoint.last_start).max();
        let firsts: Option<Vec<_>> =
            new.map(|member| member.seen(summary).map(|endpoint| endpoint.first_call).min()).collect();
        KillSeen {
            last_failed_start: summary.last_failed_start.map(since).unwrap_or_default(),
            last_answered_start: answered.map(since).unwrap_or_default(),
            new_pod_in: firsts.and_then(|firsts| firsts.into_iter().max()).map(since),
        }
    }

    /// Takes the pods' counts as an act's beginning.
    ///
    /// # Errors
    /// When one does not say.
    pub(crate) async fn count_before(&mut self) -> Result<(), ClusterError> {
        for member in &mut self.0 {
            member.count().await?;
            member.before = member.served;
        }
        Ok(())
    }

    /// Each pod's calls at both ends; `start` is what the client's times count from.
    ///
    /// # Errors
    /// When one that stands does not say its count.
    pub(crate) async fn calls(
        &mut self,
        summary: &Summary,
        start: Instant,
    ) -> Result<Vec<PodCalls>, ClusterError> {
        for member in self.0.iter_mut().filter(|member| member.fate == Fate::Stands) {
            member.count().await?;
        }
        Ok(self.0.iter().map(|member| member.calls(summary, start)).collect())
    }

    /// Ends all pods, and waits until they have.
    pub(crate) async fn clear(&mut self) {
        for pod in self.0.drain(..).filter_map(|member| member.pod) {
            pod.end().await;
        }
    }
}

impl Member {
    async fn count(&mut self) -> Result<(), ClusterError> {
        if let Some(pod) = &mut self.pod {
            self.served = pod.calls().await?;
        }
        Ok(())
    }

    /// What the client has seen of it.
    fn seen<'a>(&'a self, summary: &'a Summary) -> impl Iterator<Item = &'a EndpointSummary> {
        summary.endpoints.iter().filter(|endpoint| endpoint.pod.name == self.name)
    }

    fn calls(&self, summary: &Summary, start: Instant) -> PodCalls {
        let first = self.seen(summary).map(|endpoint| start + endpoint.first_call).min();
        PodCalls {
            name: self.name.clone(),
            address: self.address.to_string(),
            served: self.served.saturating_sub(self.before),
            answered: self.seen(summary).map(|endpoint| endpoint.answered).sum(),
            is_new: self.learnable.is_some(),
            came: self.learnable.map(|from| from.saturating_duration_since(start)),
            first_call: first.zip(self.learnable).map(|(first, from)| first.saturating_duration_since(from)),
            fate: self.fate,
        }
    }
}

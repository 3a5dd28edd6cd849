//! Playing an act: pods, a client, steady calls, what happens meanwhile, and then the counts of both ends.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel::{BuildError, Channel, ChannelBuilder, Observer};
use evenkeel_load::school::get_school;
use evenkeel_load::{CallPlan, Caller, Limit, Pace, Stop, Summary, Timeline};

use crate::act::{Act, DEADLINE, Entrance, Plot, RATE};
use crate::cast::Cast;
use crate::cluster::{Cluster, ClusterError, Pod};
use crate::lookups::Lookups;
use crate::marks::Marks;
use crate::plots::{self, Course, Scene};
use crate::readiness::Readiness;
use crate::report::Report;
use crate::seen::{Observed, OutageSeen, PodCalls};

/// How often whoever watches is shown the count: fast enough to look alive, slow enough to read.
const LOOK: Duration = Duration::from_millis(250);

/// The pods that stand in the cluster, for one act after the other. Dropping it ends them all.
#[derive(Debug)]
pub struct Stage {
    cluster: Arc<Cluster>,
    namespace: &'static str,
    cast: Cast,
}

/// Why an act could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Its client could not be made.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The cluster broke.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The system has no thread that says when calls start.
    #[error("no thread for the schedule of calls: {0}")]
    Load(io::Error),
}

/// What an act's end looks back on.
struct Retrospect<'a> {
    summary: &'a Summary,
    start: Instant,
    course: &'a Course,
    lookups: &'a Lookups,
}

impl Stage {
    /// An empty stage in this cluster, which may have others.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, namespace: "", cast: Cast::default() }
    }

    /// Plays one act; `watch` is shown the client's count as it grows, four times a second. Dropping the future cuts the
    /// calls off; the pods are the stage's.
    ///
    /// # Errors
    /// When the cluster broke; a claim that does not hold is in the report.
    pub async fn play(&mut self, act: &Act, watch: impl Fn(&Summary)) -> Result<Report, PlayError> {
        self.set(act).await?;
        let in_the_wings = self.start_added(act).await?;
        self.cast.count_before().await?;

        let (lookups, marks) = (Arc::new(Lookups::default()), Arc::new(Marks::default()));
        let target = match act.entrance {
            Entrance::ClusterIp => self.cluster.cluster_ip_target(act.namespace),
            Entrance::Headless => self.cluster.headless_target(act.namespace),
        };
        let observers = [Arc::clone(&lookups) as Arc<dyn Observer>, Arc::clone(&marks) as _];
        let channel = connected(&target, act, observers).await?;
        let plan = call_plan(act);
        let caller = Arc::new(Caller::new(channel.clone(), &plan, Instant::now()).over_time());

        let (stop, stopped) = Stop::new();
        let listed = Mutex::new(self.cast.listed());
        let look = || {
            let pods = listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            watch(&caller.summary(&target).over_pods(&pods));
        };
        let mut scene = Scene {
            cluster: &self.cluster,
            act,
            cast: &mut self.cast,
            caller: &caller,
            listed: &listed,
            marks: &marks,
            in_the_wings,
        };
        let plot = async {
            let course = plots::run(&mut scene).await?;
            if course.is_over {
                stop.stop();
            }
            Ok::<_, PlayError>(course)
        };
        let calls = async { evenkeel_load::run(&caller, &plan, stopped).await.map_err(PlayError::Load) };
        let (course, ()) = tokio::select! {
            both = async { tokio::try_join!(plot, calls) } => both?,
            never = again_and_again(look) => match never {},
        };
        let summary = caller.summary(&target);
        let timeline = to_its_end(caller.timeline(), &summary);
        look();
        channel.close().await;

        let pods = self.cast.calls(&summary, caller.start()).await?;
        let start = caller.start();
        let retrospect = Retrospect { summary: &summary, start, course: &course, lookups: &lookups };
        let seen = self.observed(pods, &retrospect);
        let report = Report::new(act.id, act.claim_text.clone(), act.claim, seen);
        Ok(Report { about: act.about, timeline, marks: marks.since(start), ..report })
    }

    /// Ends all pods, and waits until they have.
    pub async fn clear(&mut self) {
        self.cast.clear().await;
    }

    /// Sees to it that the pods of the act's beginning stand.
    async fn set(&mut self, act: &Act) -> Result<(), ClusterError> {
        if self.namespace != act.namespace {
            self.clear().await;
            let pods = self.cluster.start_pods(act.pods, 1, &act.pod_flags).await?;
            self.cast.enter(pods, None);
            self.namespace = act.namespace;
        }
        let addresses = self.cast.addresses_in_dns();
        self.cluster.publish(act.namespace, &addresses);
        if act.entrance == Entrance::ClusterIp {
            self.cluster.publish_cluster_ip(act.namespace, addresses);
        }
        Ok(())
    }

    /// Starts what a plot wants ready in the moment it is put into DNS.
    async fn start_added(&mut self, act: &Act) -> Result<Vec<Pod>, ClusterError> {
        match act.plot {
            Plot::Add(pods) => self.cluster.start_pods(pods, act.pods + 1, &act.pod_flags).await,
            _ => Ok(Vec::new()),
        }
    }

    fn observed(&self, pods: Vec<PodCalls>, act: &Retrospect<'_>) -> Observed {
        let &Retrospect { summary, start, course, lookups } = act;
        let learnable = self.cast.first_learnable();
        let outage = course.back.map(|back| OutageSeen {
            faults: course.faults.clone(),
            retries: lookups.retries(back),
            asks_within: lookups.asks_within(back),
        });
        Observed {
            pods,
            calls: summary.calls,
            failed: summary.failures(),
            max_latency: summary.latency.map_or(Duration::ZERO, |latency| latency.max),
            p99_latency: summary.latency.map_or(Duration::ZERO, |latency| latency.p99),
            watched: learnable
                .map(|learnable| (start + summary.elapsed).saturating_duration_since(learnable)),
            interval: learnable.and_then(|learnable| lookups.interval(learnable)),
            kill: course.killed.map(|killed| self.cast.kill_seen(killed, summary, start)),
            outage,
        }
    }
}

/// Looks, and never stops looking.
async fn again_and_again(look: impl Fn()) -> Infallible {
    loop {
        look();
        tokio::time::sleep(LOOK).await;
    }
}

/// A channel that is connected to all there is to connect to.
async fn connected(
    target: &str,
    act: &Act,
    observers: [Arc<dyn Observer>; 2],
) -> Result<Channel, BuildError> {
    let readiness = Arc::new(Readiness::default());
    let ready = Arc::clone(&readiness) as Arc<dyn Observer>;
    let builder = Channel::builder(target).refresh(act.refresh).observer(ready);
    let channel = observers.into_iter().fold(builder, ChannelBuilder::observer).build()?;
    let endpoints = match act.entrance {
        Entrance::ClusterIp => 1,
        Entrance::Headless => usize::from(act.pods),
    };
    // Were it closed already, the calls would say so.
    let _ = channel.connect();
    readiness.wait_for(endpoints).await;
    Ok(channel)
}

/// The last call stands for its part of a second as every other does.
fn to_its_end(timeline: Timeline, summary: &Summary) -> Timeline {
    let last_start = summary.endpoints.iter().map(|endpoint| endpoint.last_start).max();
    timeline.until(last_start.map(|start| start + Duration::from_secs_f64(1.0 / RATE)).unwrap_or_default())
}

/// Steady calls for as long as the act may last.
fn call_plan(act: &Act) -> CallPlan {
    CallPlan {
        method: get_school(),
        timeout: DEADLINE,
        pace: Pace::new(1, RATE, DEADLINE),
        limit: Limit::After(act.duration),
    }
}
